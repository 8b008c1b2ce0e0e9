// Edges are gathered into buckets of consecutive destinations with one sequential read and ~1000 sequential
// write streams; a bucket then fits the cache, where a counting sort makes its rows and each row is sorted
// and stripped of duplicates. Rows stay where their bucket begins until all are done; only when entries went
// away are they moved.
#include "kith/graph/builders.h"

#include "kith/core/error.h"
#include "kith/graph/bounds.h"
#include "kith/graph/buckets.h"
#include "kith/graph/row_builder.h"
#include "kith/graph/row_sort.h"

namespace kith {
namespace {

template <class Index>
struct Edge {
  Index key;  ///< the destination
  Index source;
};

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
detail::Buckets<Edge<Index>> gathered(EdgeColumns<Index> edges, std::int64_t n, const BuildOptions& options) {
  const auto m = static_cast<std::int64_t>(edges.source.size());
  const bool keep_loops = options.self_loops == SelfLoops::keep;
  const std::int64_t loops = options.self_loops == SelfLoops::add ? n : 0;
  return detail::bucketed<Edge<Index>>(n, m + loops, [&](std::int64_t begin, std::int64_t end, auto&& sink) {
    for (std::int64_t e = begin; e < std::min(end, m); ++e) {
      const Index source = edges.source[e], destination = edges.destination[e];
      if (source == destination && !keep_loops) continue;
      sink({destination, source});
      if (options.undirected) sink({source, destination});
    }
    for (std::int64_t e = std::max(begin, m); e < end; ++e)
      sink({static_cast<Index>(e - m), static_cast<Index>(e - m)});
  });
}

/// Sorts the rows of one bucket, drops duplicates by option and closes the gaps. `offsets` are the rows'
/// begins in `entries`; writes the rows' lengths.
template <class Index>
void finish_rows(std::span<Index> entries, std::span<const std::int64_t> offsets, bool merge,
                 std::int64_t bound, std::int64_t* lengths) {
  static thread_local std::vector<Index> scratch;
  Index* out = entries.data();
  for (std::size_t k = 0; k + 1 < offsets.size(); ++k) {
    const auto row = entries.subspan(offsets[k], offsets[k + 1] - offsets[k]);
    detail::sort_row(row, bound, scratch);
    const auto last = merge ? std::unique(row.begin(), row.end()) : row.end();
    lengths[k] = last - row.begin();
    out = out == row.data() ? out + lengths[k] : std::copy(row.begin(), last, out);
  }
}

/// Moves every bucket's rows from the bucket's begin to where the sum of all lengths puts them.
template <class Index>
Array<Index> compacted(const detail::Buckets<Edge<Index>>& buckets, const Array<Index>& loose,
                       const Array<std::int64_t>& indptr) {
  Array<Index> indices(static_cast<std::size_t>(indptr.back()));
  buckets.for_each([&](const auto& bucket) {
    const std::int64_t begin = indptr[bucket.first_key], count = indptr[bucket.last_key] - begin;
    std::copy_n(loose.data() + bucket.begin, count, indices.data() + begin);
  });
  return indices;
}

}  // namespace

template <class Index>
Csr<Index> csr_from_edges(EdgeColumns<Index> edges, std::int64_t n, const BuildOptions& options) {
  require(edges.source.size() == edges.destination.size(), "both columns of edges are equally long",
          {{"sources", edges.source.size()}, {"destinations", edges.destination.size()}});
  detail::require_index_holds<Index>(n);
  check_ids(edges.source, n, "source");
  check_ids(edges.destination, n, "destination");
  const auto buckets = gathered(edges, n, options);
  const bool merge = options.merge_duplicates || options.undirected;
  Array<std::int64_t> indptr(static_cast<std::size_t>(n) + 1);
  Array<Index> indices(buckets.entries.size());
  buckets.for_each([&](const auto& bucket) {
    static thread_local std::vector<std::int64_t> offsets;
    const std::span<Index> mine = indices.span().subspan(bucket.begin, bucket.entries.size());
    detail::place_by_key(bucket, offsets, [&](std::int64_t at, const auto& edge) { mine[at] = edge.source; });
    finish_rows<Index>(mine, offsets, merge, n, indptr.data() + bucket.first_key);
  });
  indptr[n] = 0;
  const std::int64_t m = exclusive_prefix_sum(indptr.data(), n + 1);
  if (m != indices.ssize()) indices = compacted(buckets, indices, indptr);
  return {std::move(indptr), std::move(indices)};
}

template <class Index>
Csr<Index> with_self_loops(CsrView<Index> a, SelfLoops self_loops) {
  return detail::csr_of_rows<Index>(a.n(), [&](std::int64_t i, auto&& sink) {
    bool owes_loop = self_loops == SelfLoops::add;
    for (const Index column : a.row(i)) {
      if (owes_loop && column >= i) {
        sink(static_cast<Index>(i));
        owes_loop = false;
      }
      if (column != i || self_loops == SelfLoops::keep) sink(column);
    }
    if (owes_loop) sink(static_cast<Index>(i));
  });
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
template Csr32 with_self_loops(CsrView<std::int32_t>, SelfLoops);
template Csr64 with_self_loops(CsrView<std::int64_t>, SelfLoops);
template Csr32 induced_subgraph(CsrView<std::int32_t>, std::span<const std::int64_t>);
template Csr64 induced_subgraph(CsrView<std::int64_t>, std::span<const std::int64_t>);

}  // namespace kith
