// Sampling is a chain of dependent cache misses (row offsets, then columns), so each stage runs over many
// rows at once with the lines of later rows already asked for: offsets kAhead rows ahead, then all drawn
// columns of a chunk before the first of them is read.
#include "kith/sampler/part_rows.h"

#include <limits>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/sampler/draws.h"

namespace kith {
namespace {

constexpr std::int64_t kAhead = 16;
constexpr std::int64_t kLocateGrain = 2048;
constexpr std::int64_t kDrawGrain = 256;

/// Neighbours a node with `candidates` candidates contributes.
std::int64_t drawn(std::uint32_t candidates, const HopRequest& request) {
  if (request.fanout < 0) return candidates;
  if (request.replace) return candidates == 0 ? 0 : request.fanout;
  return std::min<std::int64_t>(candidates, request.fanout);
}

bool takes_all(std::uint32_t candidates, const HopRequest& request) {
  return request.fanout < 0 || (!request.replace && request.fanout >= candidates);
}

/// Out of line: a `require` would make its facts for every row.
[[noreturn]] void refuse_row(GlobalId node, std::int64_t degree) {
  throw CorruptError(
      with_facts("a row must have below 2^32 neighbours", {{"global id", node.value()}, {"degree", degree}}));
}

}  // namespace

PartRows::PartRows(const PartitionedStore& parts, Part first, Part end)
    : lookup_(parts.first().subspan(first.value(), end.value() - first.value() + 1)),
      has_self_loops_(parts.meta().store.self_loops > 0) {
  for (Part part = first; part < end; ++part) {
    const PartView view = parts.part(part);
    Arrays arrays{view.first, view.nodes, view.indptr.data(), view.store_ids.data(), {}};
    view.indices.visit([&]<class Index>(std::span<const Index> columns) {
      if constexpr (sizeof(Index) == 4)
        arrays.columns.narrow = columns.data();
      else
        arrays.columns.wide = columns.data();
    });
    arrays_.push_back(arrays);
  }
}

void PartRows::prefetch(GlobalId node, bool exclude_self) const {
  const Arrays& arrays = arrays_of(node);
  const std::int64_t row = node.value() - arrays.first;
  __builtin_prefetch(arrays.indptr + row);
  __builtin_prefetch(arrays.store_ids + row);
  if (exclude_self) looped_.prefetch(node.value() - arrays_.front().first);
}

PartRows::Row PartRows::row_of(GlobalId node, bool exclude_self) const {
  const Arrays& arrays = arrays_of(node);
  const std::int64_t i = node.value() - arrays.first;
  const std::int64_t begin = arrays.indptr[i];
  const std::int64_t degree = arrays.indptr[i + 1] - begin;
  if (degree < 0 || degree > std::numeric_limits<std::uint32_t>::max()) [[unlikely]]
    refuse_row(node, degree);
  Row row{arrays.columns.from(begin), StoreId{arrays.store_ids[i]}, static_cast<std::uint32_t>(degree), {}};
  const std::int64_t offset = node.value() - arrays_.front().first;
  if (exclude_self && looped_.contains(offset)) {
    row.hole = loops_[looped_.rank_of(offset)];
    row.candidates -= row.hole.size;
  }
  return row;
}

void PartRows::find_self_loops() {
  if (self_loops_found_ || !has_self_loops_) return;
  self_loops_found_ = true;
  std::vector<std::int64_t> looped;
  for (const Arrays& arrays : arrays_) {
    std::vector<SelfLoops> of_row(static_cast<std::size_t>(arrays.nodes));
    parallel_for(0, arrays.nodes, kLocateGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const Columns row = arrays.columns.from(arrays.indptr[i]);
        const std::int64_t degree = arrays.indptr[i + 1] - arrays.indptr[i];
        std::int64_t at = 0;
        while (at < degree && row[at] != arrays.first + i) ++at;
        std::int64_t after = at;  // parallel loops are neighbours, since the row is sorted
        while (after < degree && row[after] == arrays.first + i) ++after;
        of_row[i] = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(after - at)};
      }
    });
    for (std::int64_t i = 0; i < arrays.nodes; ++i) {
      if (of_row[i].size == 0) continue;
      looped.push_back(arrays.first + i - arrays_.front().first);
      loops_.push_back(of_row[i]);
    }
  }
  const std::int64_t nodes =
      arrays_.empty() ? 0 : arrays_.back().first + arrays_.back().nodes - arrays_.front().first;
  looped_ = RankedBits(nodes, looped);
}

HopResult PartRows::sample(std::span<const GlobalId> frontier, const HopRequest& request) {
  if (request.exclude_self) find_self_loops();
  const auto count = static_cast<std::int64_t>(frontier.size());
  HopResult result;
  result.indptr = Array<std::int64_t>(frontier.size() + 1);
  result.indptr[count] = 0;
  std::vector<Row> rows(frontier.size());
  parallel_for(0, count, kLocateGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (i + kAhead < count) prefetch(frontier[i + kAhead], request.exclude_self);
      rows[i] = row_of(frontier[i], request.exclude_self);
      result.indptr[i] = drawn(rows[i].candidates, request);
    }
  });
  const std::int64_t edges = exclusive_prefix_sum(result.indptr.data(), count + 1);
  result.neighbours = Array<GlobalId>(static_cast<std::size_t>(edges));
  parallel_for(0, count, kDrawGrain, [&](std::int64_t begin, std::int64_t end) {
    draw_rows({rows.data() + begin, static_cast<std::size_t>(end - begin)}, request,
              result.neighbours.data() + result.indptr[begin]);
  });
  return result;
}

void PartRows::draw_rows(std::span<const Row> rows, const HopRequest& request, GlobalId* out) const {
  const std::int64_t fanout = std::max<std::int64_t>(request.fanout, 0);
  std::vector<std::uint32_t> positions(rows.size() * static_cast<std::size_t>(fanout));
  std::uint32_t* next = positions.data();
  for (const Row& row : rows) {
    if (takes_all(row.candidates, request)) {
      __builtin_prefetch(row.columns.address(0));
      continue;
    }
    if (row.candidates == 0) continue;
    const std::span<std::uint32_t> drawing(next, static_cast<std::size_t>(fanout));
    const DrawSource source{request.key, row.node, request.step};
    if (request.replace)
      draw_replaced(source, row.candidates, drawing);
    else
      draw_distinct(source, row.candidates, drawing);
    for (const std::uint32_t candidate : drawing)
      __builtin_prefetch(row.columns.address(row.position_of(candidate)));
    next += fanout;
  }
  next = positions.data();
  for (const Row& row : rows) {
    const bool all = takes_all(row.candidates, request);
    const std::int64_t count = drawn(row.candidates, request);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint32_t candidate = all ? static_cast<std::uint32_t>(i) : *next++;
      *out++ = GlobalId{row.columns[row.position_of(candidate)]};
    }
  }
}

void PartRows::describe(std::span<const GlobalId> nodes, bool exclude_self, std::span<StoreId> store_ids,
                        std::span<std::int64_t> degrees) {
  if (exclude_self) find_self_loops();
  const auto count = static_cast<std::int64_t>(nodes.size());
  parallel_for(0, count, kLocateGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (i + kAhead < count) prefetch(nodes[i + kAhead], exclude_self);
      const Row row = row_of(nodes[i], exclude_self);
      store_ids[i] = row.node;
      degrees[i] = row.candidates;
    }
  });
}

}  // namespace kith
