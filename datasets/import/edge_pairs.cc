// The ids are taken from where they lie, so that of a mapped array only the columns wanted are made.
#include "kith/datasets/import/edge_pairs.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/datasets/import/sparse_matrix.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 16;

/// The pairs of an array whose ids are of type Id.
template <class Id>
struct Pairs {
  const Id* ids;
  std::int64_t count;
  bool apart;  ///< in memory the two ids of an edge lie `count` apart, else they are neighbours

  std::int64_t source(std::int64_t e) const { return ids[apart ? e : 2 * e]; }
  std::int64_t destination(std::int64_t e) const { return ids[apart ? count + e : 2 * e + 1]; }
};

bool aligned(const NpyView& view) {
  return reinterpret_cast<std::uintptr_t>(view.data.data()) % size_of(view.header.dtype) == 0;
}

/// use(pairs), of ids as they are stored where that can be, else of a copy.
template <class Use>
auto with_pairs(const NpyView& view, const Use& use) {
  const auto& shape = view.header.shape;
  if (shape.size() != 2 || (shape[0] != 2 && shape[1] != 2))
    throw InputError(fmt::format("{}: {} is neither [2, E] nor [E, 2]", view.where, describe(view.header)));
  const bool columns_first = shape[0] == 2;
  const std::int64_t count = columns_first ? shape[1] : shape[0];
  const bool apart = columns_first != view.header.fortran_order;
  if (view.header.dtype == DType::i64 && aligned(view))
    return use(Pairs<std::int64_t>{view.values<std::int64_t>().data(), count, apart});
  if (view.header.dtype == DType::i32 && aligned(view))
    return use(Pairs<std::int32_t>{view.values<std::int32_t>().data(), count, apart});
  const Array<std::int64_t> copy = view.copied<std::int64_t>();
  return use(Pairs<std::int64_t>{copy.data(), count, apart});
}

template <class Index, class Id>
OwnedColumns<Index> columns_of(const Pairs<Id>& pairs) {
  const auto count = static_cast<std::size_t>(pairs.count);
  OwnedColumns<Index> columns{Array<Index>(count), Array<Index>(count)};
  parallel_for(0, pairs.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t e = begin; e < end; ++e) {
      columns.source[e] = static_cast<Index>(pairs.source(e));
      columns.destination[e] = static_cast<Index>(pairs.destination(e));
    }
  });
  return columns;
}

/// What all ids of the pairs say together: of every chunk, folded by the smaller and the larger.
struct Range {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  std::int64_t most = std::numeric_limits<std::int64_t>::min();
};

template <class Id>
Range range_of(const Pairs<Id>& pairs) {
  return parallel_reduce(
      0, pairs.count, kGrain, Range{},
      [&](std::int64_t begin, std::int64_t end) {
        Range range;
        for (std::int64_t e = begin; e < end; ++e) {
          range.least = std::min({range.least, pairs.source(e), pairs.destination(e)});
          range.most = std::max({range.most, pairs.source(e), pairs.destination(e)});
        }
        return range;
      },
      [](const Range& a, const Range& b) {
        return Range{std::min(a.least, b.least), std::max(a.most, b.most)};
      });
}

template <class Id>
[[noreturn]] void refuse_id(const Pairs<Id>& pairs, std::int64_t bound, const std::string& where) {
  for (std::int64_t e = 0;; ++e)
    for (const std::int64_t id : {pairs.source(e), pairs.destination(e)})
      if (id < 0 || id >= bound)
        throw InputError(fmt::format("{}: edge {}: id {} is outside [0, {})", where, e, id, bound));
}

}  // namespace

std::pair<Array<std::int64_t>, Array<std::int64_t>> edge_pairs_of(const NpyView& view) {
  return with_pairs(view, [](const auto& pairs) {
    OwnedColumns<std::int64_t> columns = columns_of<std::int64_t>(pairs);
    return std::pair(std::move(columns.source), std::move(columns.destination));
  });
}

RawEdges edges_of_pairs(const NpyView& view, std::int64_t n) {
  using Narrow = std::numeric_limits<std::int32_t>;
  return with_pairs(view, [&](const auto& pairs) -> RawEdges {
    const Range range = range_of(pairs);
    if (n <= Narrow::max() &&
        (pairs.count == 0 || (range.least >= Narrow::min() && range.most <= Narrow::max())))
      return columns_of<std::int32_t>(pairs);
    return columns_of<std::int64_t>(pairs);
  });
}

std::int64_t nodes_spanned(const NpyView& view) {
  return with_pairs(view, [&](const auto& pairs) {
    // Ids far above the number of edges are damage, or need renumbering; they must not size an allocation.
    const std::int64_t bound = plausible_nodes(pairs.count);
    if (pairs.count == 0)
      throw InputError(view.where + ": no edges, and nothing else tells the number of nodes");
    const Range range = range_of(pairs);
    if (range.least < 0 || range.most >= bound) refuse_id(pairs, bound, view.where);
    return range.most + 1;
  });
}

}  // namespace kith
