#pragma once
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "kith/core/philox.h"
#include "kith/graph/csr.h"

namespace kith::testing {

/// A stream of numbers for one test case; the seed is printed by SCOPED_TRACE in the tests.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : key_(philox_key(seed, Stream::generate)) {}
  std::int64_t below(std::int64_t bound) {
    const PhiloxWords words = draw_words(key_, StoreId(next_++), 0, 0);
    return static_cast<std::int64_t>(bounded(word64(words, 0), static_cast<std::uint64_t>(bound)));
  }

 private:
  PhiloxKey key_;
  std::int64_t next_ = 0;
};

template <class Index>
struct EdgeList {
  std::vector<Index> source, destination;
};

/// m edges over n nodes. With `hub`, node n / 2 is at one end of every second edge.
template <class Index>
EdgeList<Index> random_edges(std::uint64_t seed, std::int64_t n, std::int64_t m, std::int64_t hub = -1) {
  Draws draws(seed);
  EdgeList<Index> edges;
  for (std::int64_t e = 0; e < m; ++e) {
    std::int64_t ends[2] = {draws.below(n), draws.below(n)};
    if (hub >= 0 && e % 2 == 0) ends[e / 2 % 2] = hub;
    edges.source.push_back(static_cast<Index>(ends[0]));
    edges.destination.push_back(static_cast<Index>(ends[1]));
  }
  return edges;
}

template <class T>
std::vector<std::int64_t> numbers(const T& values) {
  return {values.begin(), values.end()};
}

/// Every stored entry as (row, column), in stored order.
template <class Index>
std::vector<std::pair<std::int64_t, std::int64_t>> entries_of(CsrView<Index> a) {
  std::vector<std::pair<std::int64_t, std::int64_t>> entries;
  for (std::int64_t i = 0; i < a.n(); ++i)
    for (const Index j : a.row(i)) entries.emplace_back(i, j);
  return entries;
}

inline CsrAny any_of(const Csr32& a) { return {a.indptr.span(), a.indices.span()}; }
inline CsrAny any_of(const Csr64& a) { return {a.indptr.span(), a.indices.span()}; }

}  // namespace kith::testing
