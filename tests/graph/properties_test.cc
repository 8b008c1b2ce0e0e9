#include "kith/graph/properties.h"

#include <map>
#include <queue>

#include "graph/random_graphs.h"
#include <gtest/gtest.h>

#include "kith/core/parallel.h"
#include "kith/graph/builders.h"

namespace kith {
namespace {

using kith::testing::any_of;
using kith::testing::entries_of;
using kith::testing::numbers;
using kith::testing::random_edges;

Csr32 random_graph(std::uint64_t seed, std::int64_t n, std::int64_t m, const BuildOptions& options = {},
                   std::int64_t hub = -1) {
  const auto edges = random_edges<std::int32_t>(seed, n, m, hub);
  return csr_from_edges<std::int32_t>({edges.source, edges.destination}, n, options);
}

/// The definitions, from the list of entries.
GraphProperties by_definition(const Csr32& a) {
  GraphProperties p{.nodes = a.n(), .edges = a.m(), .symmetric = true};
  const auto entries = entries_of(a.view());
  const std::set<std::pair<std::int64_t, std::int64_t>> distinct(entries.begin(), entries.end());
  std::set<std::pair<std::int64_t, std::int64_t>> undirected;
  std::set<std::int64_t> touched;
  for (const auto& [i, j] : entries) {
    if (i == j) ++p.self_loops;
    if (i == j) continue;
    undirected.insert(std::minmax(i, j));
    touched.insert({i, j});
    if (!distinct.contains({j, i})) p.symmetric = false;
  }
  p.undirected_edges = std::ssize(undirected);
  p.duplicates = std::ssize(entries) - std::ssize(distinct);
  p.isolated = a.n() - std::ssize(touched);
  for (std::int64_t i = 0; i < a.n(); ++i) p.max_degree = std::max(p.max_degree, a.view().degree(i));
  return p;
}

void expect_equal(const GraphProperties& a, const GraphProperties& b) {
  EXPECT_EQ(a.nodes, b.nodes);
  EXPECT_EQ(a.edges, b.edges);
  EXPECT_EQ(a.undirected_edges, b.undirected_edges);
  EXPECT_EQ(a.self_loops, b.self_loops);
  EXPECT_EQ(a.duplicates, b.duplicates);
  EXPECT_EQ(a.isolated, b.isolated);
  EXPECT_EQ(a.max_degree, b.max_degree);
  EXPECT_EQ(a.symmetric, b.symmetric);
}

TEST(Properties, AreWhatTheirDefinitionsSay) {
  for (const bool undirected : {false, true})
    for (const bool merge : {false, true}) {
      const BuildOptions options{.undirected = undirected, .merge_duplicates = merge};
      for (const auto& [n, m] : {std::pair{1, 0}, {1, 2}, {30, 20}, {30, 900}, {9000, 12'000}}) {
        const Csr32 graph = random_graph(41, n, m, options, n / 3);
        SCOPED_TRACE(::testing::Message() << "seed 41, n " << n << ", m " << m);
        expect_equal(properties_of(any_of(graph)), by_definition(graph));
      }
    }
}

TEST(Properties, OfNothingAreZeroAndSymmetric) {
  const Csr32 none{Array<std::int64_t>{0}, {}};
  expect_equal(properties_of(any_of(none)), {.symmetric = true});
}

/// Breadth-first search over both directions, from the smallest node that has no number yet.
std::vector<std::int64_t> components_by_search(const Csr32& a) {
  std::vector<std::vector<std::int64_t>> neighbours(static_cast<std::size_t>(a.n()));
  for (const auto& [i, j] : entries_of(a.view())) {
    neighbours[i].push_back(j);
    neighbours[j].push_back(i);
  }
  std::vector<std::int64_t> number(static_cast<std::size_t>(a.n()), -1);
  std::int64_t count = 0;
  for (std::int64_t start = 0; start < a.n(); ++start) {
    if (number[start] >= 0) continue;
    std::queue<std::int64_t> waiting({start});
    number[start] = count;
    for (; !waiting.empty(); waiting.pop())
      for (const std::int64_t next : neighbours[waiting.front()])
        if (std::exchange(number[next], number[next] < 0 ? count : number[next]) < 0) waiting.push(next);
    ++count;
  }
  return number;
}

TEST(Components, EqualBreadthFirstSearch) {
  for (const auto& [n, m] :
       {std::pair{1, 0}, {2, 1}, {100, 40}, {100, 60}, {20'000, 11'000}, {20'000, 60'000}}) {
    const Csr32 graph = random_graph(43, n, m);
    SCOPED_TRACE(::testing::Message() << "seed 43, n " << n << ", m " << m);
    EXPECT_EQ(numbers(connected_components(any_of(graph))), components_by_search(graph));
  }
}

TEST(Components, OfALongPathIsOne) {
  constexpr std::int64_t kLength = 100'000;
  std::vector<std::int64_t> source, destination;
  for (std::int64_t i = kLength - 1; i > 0; --i) {
    source.push_back(i);
    destination.push_back(i - 1);
  }
  const Csr64 path = csr_from_edges<std::int64_t>({source, destination}, kLength, {});
  EXPECT_EQ(numbers(connected_components(any_of(path))), std::vector<std::int64_t>(kLength, 0));
}

TEST(Components, TheNumberOfThreadsDoesNotChangeThem) {
  const Csr32 graph = random_graph(47, 50'000, 40'000);
  const auto components = [&](int threads) {
    const ThreadLimit limit(threads);
    return numbers(connected_components(any_of(graph)));
  };
  EXPECT_EQ(components(1), components(2));
}

TEST(LargestComponent, IsTheMostFrequentNumberAndOfEqualsTheFirst) {
  // Components {0, 5}, {1, 2}, {3}, {4}.
  const std::vector<std::int32_t> source = {5, 2}, destination = {0, 1};
  const Csr32 equals = csr_from_edges<std::int32_t>({source, destination}, 6, {});
  EXPECT_EQ(numbers(largest_component(any_of(equals))), (std::vector<std::int64_t>{0, 5}));

  const Csr32 graph = random_graph(53, 5000, 3500);
  std::map<std::int64_t, std::vector<std::int64_t>> members;
  const auto component = components_by_search(graph);
  for (std::size_t i = 0; i < component.size(); ++i)
    members[component[i]].push_back(static_cast<std::int64_t>(i));
  std::vector<std::int64_t> largest;
  for (const auto& [number, nodes] : members)
    if (nodes.size() > largest.size()) largest = nodes;
  EXPECT_EQ(numbers(largest_component(any_of(graph))), largest);
}

TEST(LargestComponent, OfNothingIsEmpty) {
  const Csr32 none{Array<std::int64_t>{0}, {}};
  EXPECT_TRUE(largest_component(any_of(none)).empty());
}

TEST(Degrees, CountColumnsWithAndWithoutTheNodeItself) {
  const std::vector<std::int32_t> source = {0, 1, 2, 2, 2}, destination = {0, 0, 0, 2, 2};
  const Csr32 graph = csr_from_edges<std::int32_t>({source, destination}, 3, {.merge_duplicates = false});
  EXPECT_EQ(numbers(in_degrees(any_of(graph), CountSelf::yes)), (std::vector<std::int64_t>{3, 0, 2}));
  EXPECT_EQ(numbers(in_degrees(any_of(graph), CountSelf::no)), (std::vector<std::int64_t>{2, 0, 0}));
}

}  // namespace
}  // namespace kith
