// Edges are gathered by ranges of destinations, small enough that each range is sorted in a cache by the
// digits of (destination, source). Everything else is a pass over sorted rows that emits each row anew.
#include "kith/graph/builders.h"

#include "kith/core/error.h"
#include "kith/graph/bounds.h"
#include "kith/graph/buckets.h"
#include "kith/graph/radix_sort.h"
#include "kith/graph/row_builder.h"

namespace kith {
namespace {

enum class Duplicates { keep, merge };

/// Hands a sorted row to the sink, with duplicates and the row's self-loop treated as asked for.
template <class Index>
class RowFilter {
 public:
  RowFilter(std::int64_t row, Duplicates duplicates, SelfLoops self_loops)
      : row_(static_cast<Index>(row)),
        merge_(duplicates == Duplicates::merge),
        keep_loop_(self_loops == SelfLoops::keep),
        owes_loop_(self_loops == SelfLoops::add) {}

  template <class Sink>
  void take(Index column, Sink&& sink) {
    if (column >= row_) pay_loop(sink);
    if (column == row_ && !keep_loop_) return;
    if (merge_ && column == last_) return;
    sink(column);
    last_ = column;
  }
  template <class Sink>
  void pay_loop(Sink&& sink) {
    if (std::exchange(owes_loop_, false)) sink(row_);
  }

 private:
  Index row_;
  Index last_ = -1;
  bool merge_, keep_loop_, owes_loop_;
};

template <class Index>
Csr<Index> filtered(CsrView<Index> a, Duplicates duplicates, SelfLoops self_loops) {
  return detail::csr_of_rows<Index>(a.n(), [&](std::int64_t i, auto&& sink) {
    RowFilter<Index> filter(i, duplicates, self_loops);
    for (const Index column : a.row(i)) filter.take(column, sink);
    filter.pay_loop(sink);
  });
}

template <class Index>
bool has_duplicates(CsrView<Index> a) {
  return parallel_reduce(
      0, a.n(), 4096, false,
      [&](std::int64_t begin, std::int64_t end) {
        bool found = false;
        for (std::int64_t i = begin; i < end && !found; ++i) {
          const auto row = a.row(i);
          found = std::adjacent_find(row.begin(), row.end()) != row.end();
        }
        return found;
      },
      [](bool x, bool y) { return x || y; });
}

template <class Index>
void check_ids(std::span<const Index> ids, std::int64_t n, const char* column) {
  if (const auto edge = detail::first_outside(ids, n))
    throw InputError(
        with_facts("an edge names a node that does not exist", {{"edge", *edge},
                                                                {"column", std::string_view(column)},
                                                                {"node", std::int64_t{ids[*edge]}},
                                                                {"nodes", n}}));
}

template <class Index>
struct InEdge {
  Index key;  ///< the destination
  Index source;
};

/// Destination within its bucket and source side by side.
template <class Word>
struct RowAndSource {
  Word key;
};
__extension__ using Wide = unsigned __int128;

int bits_for(std::int64_t bound) {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(bound - 1, 1))));
}

/// Sorts one bucket: its rows' begins to `indptr`, their sources to `indices`.
template <class Word, class Index, class Bucket>
void sort_bucket(const Bucket& bucket, int source_bits, std::int64_t* indptr, Index* indices) {
  static thread_local std::vector<RowAndSource<Word>> keys, scratch;
  keys.resize(bucket.entries.size());
  scratch.resize(keys.size());
  const std::int64_t width = bucket.last_key - bucket.first_key;
  std::fill_n(indptr, width, 0);
  for (std::size_t e = 0; e < keys.size(); ++e) {
    const std::int64_t row = bucket.entries[e].key - bucket.first_key;
    ++indptr[row];
    keys[e].key = static_cast<Word>(row) << source_bits | static_cast<Word>(bucket.entries[e].source);
  }
  for (std::int64_t row = 0, at = bucket.begin; row < width; ++row) at += std::exchange(indptr[row], at);
  detail::radix_sort<RowAndSource<Word>>(keys, scratch, source_bits + bits_for(width));
  const Word mask = (Word{1} << source_bits) - 1;
  for (std::size_t e = 0; e < keys.size(); ++e) indices[e] = static_cast<Index>(keys[e].key & mask);
}

/// Sorted rows of the edges, and of their reverses if wanted; parallel edges stay.
template <class Index>
Csr<Index> sorted_rows(EdgeColumns<Index> edges, std::int64_t n, bool both_ways) {
  const auto m = static_cast<std::int64_t>(edges.source.size());
  const auto buckets =
      detail::bucketed<InEdge<Index>>(n, m, [&](std::int64_t begin, std::int64_t end, auto&& sink) {
        for (std::int64_t e = begin; e < end; ++e) {
          sink({edges.destination[e], edges.source[e]});
          if (both_ways) sink({edges.source[e], edges.destination[e]});
        }
      });
  Csr<Index> rows{Array<std::int64_t>(static_cast<std::size_t>(n) + 1), Array<Index>(buckets.entries.size())};
  const int source_bits = bits_for(n);
  buckets.for_each([&](const auto& bucket) {
    std::int64_t* indptr = rows.indptr.data() + bucket.first_key;
    Index* indices = rows.indices.data() + bucket.begin;
    if (source_bits + bits_for(bucket.last_key - bucket.first_key) <= 64)
      sort_bucket<std::uint64_t>(bucket, source_bits, indptr, indices);
    else
      sort_bucket<Wide>(bucket, source_bits, indptr, indices);
  });
  rows.indptr[n] = m * (both_ways ? 2 : 1);
  return rows;
}

}  // namespace

template <class Index>
Csr<Index> csr_from_edges(EdgeColumns<Index> edges, std::int64_t n, const BuildOptions& options) {
  require(edges.source.size() == edges.destination.size(), "both columns of edges are equally long",
          {{"sources", edges.source.size()}, {"destinations", edges.destination.size()}});
  detail::require_index_holds<Index>(n);
  check_ids(edges.source, n, "source");
  check_ids(edges.destination, n, "destination");
  Csr<Index> sorted = sorted_rows(edges, n, options.undirected);
  const bool merge = (options.undirected || options.merge_duplicates) && has_duplicates(sorted.view());
  if (!merge && options.self_loops == SelfLoops::keep) return sorted;
  return filtered(sorted.view(), merge ? Duplicates::merge : Duplicates::keep, options.self_loops);
}

template <class Index>
Csr<Index> symmetrised(CsrView<Index> a, SelfLoops self_loops) {
  const Csr<Index> reversed = transposed(a, a.n());
  const CsrView<Index> b = reversed;
  return detail::csr_of_rows<Index>(a.n(), [&](std::int64_t i, auto&& sink) {
    RowFilter<Index> filter(i, Duplicates::merge, self_loops);
    detail::merge_rows(a.row(i), b.row(i), [&](Index column, bool, bool) { filter.take(column, sink); });
    filter.pay_loop(sink);
  });
}

template <class Index>
Csr<Index> with_self_loops(CsrView<Index> a, SelfLoops self_loops) {
  return filtered(a, Duplicates::keep, self_loops);
}

template <class Index>
Csr<Index> induced_subgraph(CsrView<Index> a, std::span<const std::int64_t> nodes) {
  Array<Index> number(static_cast<std::size_t>(a.n()), Index{-1});
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    require(nodes[i] >= 0 && nodes[i] < a.n() && (i == 0 || nodes[i - 1] < nodes[i]),
            "the nodes of a subgraph are distinct, ascending and in the graph",
            {{"position", i}, {"node", nodes[i]}, {"nodes", a.n()}});
    number[nodes[i]] = static_cast<Index>(i);
  }
  return detail::csr_of_rows<Index>(static_cast<std::int64_t>(nodes.size()),
                                    [&](std::int64_t i, auto&& sink) {
                                      for (const Index column : a.row(nodes[i]))
                                        if (number[column] >= 0) sink(number[column]);
                                    });
}

template Csr32 csr_from_edges(EdgeColumns<std::int32_t>, std::int64_t, const BuildOptions&);
template Csr64 csr_from_edges(EdgeColumns<std::int64_t>, std::int64_t, const BuildOptions&);
template Csr32 symmetrised(CsrView<std::int32_t>, SelfLoops);
template Csr64 symmetrised(CsrView<std::int64_t>, SelfLoops);
template Csr32 with_self_loops(CsrView<std::int32_t>, SelfLoops);
template Csr64 with_self_loops(CsrView<std::int64_t>, SelfLoops);
template Csr32 induced_subgraph(CsrView<std::int32_t>, std::span<const std::int64_t>);
template Csr64 induced_subgraph(CsrView<std::int64_t>, std::span<const std::int64_t>);

}  // namespace kith
