#include "kith/graph/cache_model.h"

#include <algorithm>
#include <list>
#include <numeric>

#include "graph/random_graphs.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/graph/builders.h"
#include "kith/graph/reorder.h"

namespace kith {
namespace {

using kith::testing::any_of;
using kith::testing::random_edges;

Csr32 random_graph(std::int64_t n, std::int64_t m) {
  const auto edges = random_edges<std::int32_t>(3, n, m, -1);
  return csr_from_edges<std::int32_t>({edges.source, edges.destination}, n, {.undirected = true});
}

/// The definition: a list of the rows read last, searched from the front.
double cached_by_search(const Csr32& a, std::size_t rows, std::span<const std::int64_t> order) {
  std::list<std::int32_t> last;
  std::int64_t found = 0;
  for (const std::int64_t i : order)
    for (const std::int32_t j : a.view().row(i)) {
      const auto at = std::find(last.begin(), last.end(), j);
      if (at != last.end()) {
        ++found;
        last.erase(at);
      } else if (last.size() == rows) {
        last.pop_back();
      }
      last.push_front(j);
    }
  return static_cast<double>(found) / static_cast<double>(a.m());
}

TEST(CacheModel, CountsTheReadsThatAListOfTheLastRowsHolds) {
  for (const auto& [n, m] : {std::pair{1, 1}, {2, 1}, {50, 200}, {300, 2000}}) {
    const Csr32 a = random_graph(n, m);
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    for (const std::int64_t rows : {1, 2, 7, 64, 299, 1000}) {
      EXPECT_EQ(cached_share(any_of(a), rows), cached_by_search(a, rows, order)) << n << ' ' << rows;
      std::vector<std::int64_t> backwards(order.rbegin(), order.rend());
      EXPECT_EQ(cached_share(any_of(a), rows, backwards), cached_by_search(a, rows, backwards)) << n;
    }
  }
}

TEST(CacheModel, ACacheOfAllRowsMissesEveryRowOnce) {
  const Csr32 a = random_graph(300, 2000);
  std::vector<std::int32_t> sources(a.indices.begin(), a.indices.end());
  std::sort(sources.begin(), sources.end());
  const auto distinct = std::unique(sources.begin(), sources.end()) - sources.begin();
  EXPECT_EQ(cached_share(any_of(a), 300), 1 - static_cast<double>(distinct) / static_cast<double>(a.m()));
}

TEST(CacheModel, AnOrderCountsAsTheGraphPermutedByIt) {
  const Csr32 a = random_graph(400, 1500);
  const auto order = order_of(any_of(a), Order::bfs);
  const Csr32 permuted_graph = permuted(a.view(), order.span());
  // Within a row columns stand in another order, which a cache larger than any row does not notice.
  EXPECT_NEAR(cached_share(any_of(a), 60, order.span()), cached_share(any_of(permuted_graph), 60), 0.03);
}

TEST(CacheModel, GraphsWithoutEdgesReadNothingAndNoCacheIsRefused) {
  const Csr32 empty = csr_from_edges<std::int32_t>({}, 5, {});
  EXPECT_EQ(cached_share(any_of(empty), 10), 0);
  EXPECT_THROW(cached_share(any_of(empty), 0), Error);
  const std::vector<std::int64_t> short_order(3);
  EXPECT_THROW(cached_share(any_of(empty), 10, short_order), Error);
}

}  // namespace
}  // namespace kith
