#include "kith/graph/builders.h"

#include "graph/random_graphs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"

namespace kith {
namespace {

using kith::testing::entries_of;
using kith::testing::numbers;
using kith::testing::random_edges;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Entries = std::vector<std::pair<std::int64_t, std::int64_t>>;

struct Shape {
  std::int64_t n, m, hub;
};
constexpr Shape kShapes[] = {{1, 0, -1},        {1, 5, -1},       {2, 9, -1},      {7, 3, -1},
                             {50, 400, -1},     {50, 400, 9},     {1000, 300, 17}, {4097, 9000, -1},
                             {300, 90000, 299}, {70000, 80000, 3}};

/// The definition: all pairs, sorted by comparison.
template <class Index>
Entries by_definition(const testing::EdgeList<Index>& edges, std::int64_t n, const BuildOptions& options) {
  Entries all;
  for (std::size_t e = 0; e < edges.source.size(); ++e) {
    const std::int64_t s = edges.source[e], d = edges.destination[e];
    if (s == d && options.self_loops != SelfLoops::keep) continue;
    all.emplace_back(d, s);
    if (options.undirected) all.emplace_back(s, d);
  }
  for (std::int64_t i = 0; i < n && options.self_loops == SelfLoops::add; ++i) all.emplace_back(i, i);
  std::sort(all.begin(), all.end());
  if (options.merge_duplicates || options.undirected)
    all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

template <class Index>
class Builders : public ::testing::Test {};
using IndexTypes = ::testing::Types<std::int32_t, std::int64_t>;
TYPED_TEST_SUITE(Builders, IndexTypes);

TYPED_TEST(Builders, BuildEqualsTheSetOfPairsForEveryOption) {
  for (const Shape& shape : kShapes) {
    const auto edges = random_edges<TypeParam>(11, shape.n, shape.m, shape.hub);
    for (const bool undirected : {false, true})
      for (const bool merge : {false, true})
        for (const SelfLoops loops : {SelfLoops::keep, SelfLoops::drop, SelfLoops::add}) {
          SCOPED_TRACE(::testing::Message()
                       << "seed 11, n " << shape.n << ", m " << shape.m << ", undirected " << undirected
                       << ", merge " << merge << ", loops " << static_cast<int>(loops));
          const BuildOptions options{undirected, merge, loops};
          const auto csr = csr_from_edges<TypeParam>({edges.source, edges.destination}, shape.n, options);
          EXPECT_NO_THROW(validate(csr.view(), shape.n));
          EXPECT_EQ(csr.n(), shape.n);
          EXPECT_EQ(entries_of(csr.view()), by_definition(edges, shape.n, options));
        }
  }
}

TYPED_TEST(Builders, TheNumberOfThreadsDoesNotChangeABit) {
  const auto edges = random_edges<TypeParam>(5, 20'000, 400'000, 123);
  const auto build = [&](int threads) {
    const ThreadLimit limit(threads);
    return csr_from_edges<TypeParam>({edges.source, edges.destination}, 20'000, {.undirected = true});
  };
  const auto one = build(1);
  for (const int threads : {2, 3}) {
    const auto more = build(threads);
    EXPECT_EQ(numbers(one.indptr), numbers(more.indptr));
    EXPECT_EQ(numbers(one.indices), numbers(more.indices));
  }
}

TYPED_TEST(Builders, NoNodesGiveAnEmptyCsr) {
  const auto csr = csr_from_edges<TypeParam>({}, 0, {.undirected = true, .self_loops = SelfLoops::add});
  EXPECT_EQ(csr.n(), 0);
  EXPECT_EQ(csr.m(), 0);
  EXPECT_EQ(numbers(csr.indptr), std::vector<std::int64_t>{0});
}

TYPED_TEST(Builders, AnIdOutsideTheGraphIsNamedWithItsEdge) {
  const std::vector<TypeParam> good = {0, 1, 2, 2}, negative = {0, 1, -7, 2}, large = {0, 3, 1, 9};
  EXPECT_THAT(
      [&] {
        csr_from_edges<TypeParam>({negative, good}, 3, {});
      },
      ThrowsMessage<InputError>(HasSubstr("edge = 2, column = source, node = -7, nodes = 3")));
  EXPECT_THAT(
      [&] {
        csr_from_edges<TypeParam>({good, large}, 3, {});
      },
      ThrowsMessage<InputError>(HasSubstr("edge = 1, column = destination, node = 3")));
}

TYPED_TEST(Builders, ColumnsOfDifferentLengthAreRefused) {
  const std::vector<TypeParam> two = {0, 1}, three = {0, 1, 2};
  EXPECT_THROW(csr_from_edges<TypeParam>({two, three}, 3, {}), Error);
}

TEST(Builders32, MoreNodesThanTheIndexCountsAreRefused) {
  EXPECT_THAT([] { csr_from_edges<std::int32_t>({}, std::int64_t{1} << 31, {}); },
              ThrowsMessage<Error>(HasSubstr("fit the index type")));
}

TYPED_TEST(Builders, SymmetrisedEqualsBuildingUndirected) {
  for (const SelfLoops loops : {SelfLoops::keep, SelfLoops::drop, SelfLoops::add}) {
    const auto edges = random_edges<TypeParam>(23, 900, 5000, 4);
    const auto directed =
        csr_from_edges<TypeParam>({edges.source, edges.destination}, 900, {.merge_duplicates = false});
    testing::EdgeList<TypeParam> both = edges;
    both.source.insert(both.source.end(), edges.destination.begin(), edges.destination.end());
    both.destination.insert(both.destination.end(), edges.source.begin(), edges.source.end());
    const auto expected =
        csr_from_edges<TypeParam>({both.source, both.destination}, 900, {.self_loops = loops});
    EXPECT_EQ(entries_of(symmetrised(directed.view(), loops).view()), entries_of(expected.view()));
  }
}

TYPED_TEST(Builders, SelfLoopsAreKeptDroppedOrExactlyOne) {
  // Node 0 has two, node 1 none, node 2 one between others, node 3 is isolated.
  const std::vector<TypeParam> source = {0, 0, 5, 1, 2, 4, 0}, destination = {0, 0, 1, 2, 2, 2, 4};
  const auto csr = csr_from_edges<TypeParam>({source, destination}, 6, {.merge_duplicates = false});
  EXPECT_EQ(entries_of(with_self_loops(csr.view(), SelfLoops::keep).view()), entries_of(csr.view()));
  EXPECT_EQ(entries_of(with_self_loops(csr.view(), SelfLoops::drop).view()),
            (Entries{{1, 5}, {2, 1}, {2, 4}, {4, 0}}));
  EXPECT_EQ(entries_of(with_self_loops(csr.view(), SelfLoops::add).view()),
            (Entries{{0, 0}, {1, 1}, {1, 5}, {2, 1}, {2, 2}, {2, 4}, {3, 3}, {4, 0}, {4, 4}, {5, 5}}));
}

TYPED_TEST(Builders, InducedSubgraphKeepsTheEdgesBetweenItsNodes) {
  const auto edges = random_edges<TypeParam>(31, 500, 6000, 250);
  const auto csr = csr_from_edges<TypeParam>({edges.source, edges.destination}, 500, {});
  std::vector<std::int64_t> nodes;
  testing::Draws draws(32);
  for (std::int64_t i = 0; i < 500; ++i)
    if (draws.below(3) == 0 || i == 250) nodes.push_back(i);
  Entries expected;
  for (std::size_t a = 0; a < nodes.size(); ++a)
    for (std::size_t b = 0; b < nodes.size(); ++b) {
      const auto row = csr.view().row(nodes[a]);
      if (std::find(row.begin(), row.end(), nodes[b]) != row.end()) expected.emplace_back(a, b);
    }
  EXPECT_EQ(entries_of(induced_subgraph(csr.view(), nodes).view()), expected);
  EXPECT_EQ(induced_subgraph(csr.view(), {}).n(), 0);
}

TYPED_TEST(Builders, InducedSubgraphRefusesNodesThatDoNotAscend) {
  const auto csr = csr_from_edges<TypeParam>({}, 4, {});
  for (const std::vector<std::int64_t>& nodes : {std::vector<std::int64_t>{2, 2}, {3, 1}, {4}, {-1}})
    EXPECT_THROW(induced_subgraph(csr.view(), nodes), Error);
}

}  // namespace
}  // namespace kith
