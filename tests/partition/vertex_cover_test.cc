#include "kith/partition/vertex_cover.h"

#include <algorithm>

#include "partition/graphs.h"
#include "partition/matching.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"

namespace kith::test {
namespace {

/// rows × columns with about `edges` edges at random, some of them twice; key 0 … for the draws.
Csr32 random_edges(std::uint64_t key, std::int64_t rows, std::int64_t columns, std::int64_t edges) {
  Draws draws(key);
  Edges drawn;
  for (std::int64_t e = 0; e < edges; ++e) drawn.emplace_back(draws.below(columns), draws.below(rows));
  return graph_of(rows, drawn);
}

void expect_a_cover(const Bipartite& graph, const VertexCover& cover) {
  std::int64_t cost = 0;
  for (const bool row : cover.rows) cost += row ? graph.row_cost : 0;
  for (const bool column : cover.columns) cost += column ? graph.column_cost : 0;
  EXPECT_EQ(cover.cost, cost);
  for (std::int64_t row = 0; row < graph.edges.n(); ++row)
    for (const std::int32_t column : graph.edges.row(row))
      ASSERT_TRUE(cover.rows[row] || cover.columns[column]) << row << ", " << column;
}

/// Over all sets of rows: the rest of the edges leave no choice of columns.
VertexCover cheapest_by_trial(const Bipartite& graph) {
  VertexCover best;
  std::ptrdiff_t fewest = 0;
  for (std::uint32_t chosen = 0; chosen < 1u << graph.edges.n(); ++chosen) {
    VertexCover cover{.rows = std::vector<bool>(static_cast<std::size_t>(graph.edges.n())),
                      .columns = std::vector<bool>(static_cast<std::size_t>(graph.columns))};
    for (std::int64_t row = 0; row < graph.edges.n(); ++row) {
      cover.rows[row] = (chosen >> row & 1) != 0;
      if (cover.rows[row]) continue;
      for (const std::int32_t column : graph.edges.row(row)) cover.columns[column] = true;
    }
    const std::ptrdiff_t rows = std::count(cover.rows.begin(), cover.rows.end(), true);
    cover.cost = graph.row_cost * rows +
                 graph.column_cost * std::count(cover.columns.begin(), cover.columns.end(), true);
    if (chosen > 0 && (cover.cost > best.cost || (cover.cost == best.cost && rows >= fewest))) continue;
    best = cover;
    fewest = rows;
  }
  return best;
}

TEST(VertexCover, OfSmallGraphsIsTheCheapestWithTheFewestRows) {
  for (std::uint64_t key = 0; key < 300; ++key) {
    Draws draws(key + 1000);
    const auto rows = static_cast<std::int64_t>(1 + draws.below(8)),
               columns = static_cast<std::int64_t>(1 + draws.below(12));
    const Csr32 edges = random_edges(key, rows, columns, static_cast<std::int64_t>(draws.below(30)));
    const Bipartite graph{edges, columns, static_cast<std::int64_t>(1 + draws.below(5)),
                          static_cast<std::int64_t>(1 + draws.below(5))};
    const VertexCover cover = vertex_cover(graph), best = cheapest_by_trial(graph);
    expect_a_cover(graph, cover);
    EXPECT_EQ(cover.method, CoverMethod::minimum);
    EXPECT_EQ(cover.cost, best.cost) << "key " << key;
    EXPECT_EQ(std::count(cover.rows.begin(), cover.rows.end(), true),
              std::count(best.rows.begin(), best.rows.end(), true))
        << "key " << key;
  }
}

/// König 1931: the largest matching is as large as the smallest cover.
TEST(VertexCover, AtEqualCostsIsAsLargeAsAMatching) {
  for (std::uint64_t key = 0; key < 40; ++key) {
    Draws draws(key);
    const auto rows = static_cast<std::int64_t>(1 + draws.below(400)),
               columns = static_cast<std::int64_t>(1 + draws.below(400));
    const Csr32 edges = random_edges(key, rows, columns, static_cast<std::int64_t>(draws.below(900)));
    const VertexCover cover = vertex_cover({edges, columns});
    expect_a_cover({edges, columns}, cover);
    EXPECT_EQ(cover.cost, largest_matching(edges, columns)) << "key " << key;
  }
}

/// A node of cost c is c nodes of cost 1 with the same edges.
TEST(VertexCover, AtOtherCostsIsThatOfCopiedNodes) {
  for (std::uint64_t key = 0; key < 20; ++key) {
    const std::int64_t rows = 60, columns = 45, row_cost = 1 + static_cast<std::int64_t>(key % 4),
                       column_cost = 1 + static_cast<std::int64_t>(key % 3);
    const Csr32 edges = random_edges(key, rows, columns, 150);
    Edges copied;
    for (std::int32_t row = 0; row < rows; ++row)
      for (const std::int32_t column : edges.view().row(row))
        for (std::int32_t i = 0; i < row_cost; ++i)
          for (std::int32_t j = 0; j < column_cost; ++j)
            copied.emplace_back(column * static_cast<std::int32_t>(column_cost) + j,
                                row * static_cast<std::int32_t>(row_cost) + i);
    const Bipartite graph{edges, columns, row_cost, column_cost};
    const VertexCover cover = vertex_cover(graph);
    expect_a_cover(graph, cover);
    EXPECT_EQ(cover.cost, largest_matching(graph_of(rows * row_cost, copied), columns * column_cost));
  }
}

TEST(VertexCover, BeyondTheLimitIsTheBestOfThreeAndCostsAtMostTwiceTheLeast) {
  bool greedy = false, all_rows = false, all_columns = false;
  for (std::uint64_t key = 0; key < 60; ++key) {
    const std::int64_t rows = 100, columns = 100;
    const std::int64_t cost = key % 3 == 0 ? 1 : 9;
    const Csr32 edges = random_edges(key, rows, columns, static_cast<std::int64_t>(60 + 20 * (key % 5)));
    const Bipartite graph{edges, columns, key % 3 == 1 ? cost : 1, key % 3 == 2 ? cost : 1};
    const VertexCover cover = vertex_cover(graph, 10), least = vertex_cover(graph);
    expect_a_cover(graph, cover);
    EXPECT_LE(cover.cost, 2 * least.cost) << "key " << key;
    greedy |= cover.method == CoverMethod::greedy;
    all_rows |= cover.method == CoverMethod::all_rows;
    all_columns |= cover.method == CoverMethod::all_columns;
    EXPECT_NE(cover.method, CoverMethod::minimum);
  }
  EXPECT_TRUE(greedy && all_rows && all_columns) << "the test must meet all three";
}

TEST(VertexCover, OfALongPathNeedsOneAugmentationThroughAllOfIt) {
  // Row i has columns i and i + 1 and a greedy flow gives it the first; the last row has column 0 alone.
  constexpr std::int32_t kLength = 20'000;
  Edges path{{0, kLength - 1}};
  for (std::int32_t i = 0; i + 1 < kLength; ++i) {
    path.emplace_back(i, i);
    path.emplace_back(i + 1, i);
  }
  const Csr32 edges = graph_of(kLength, path);
  EXPECT_EQ(vertex_cover({edges, kLength}).cost, kLength);
}

TEST(VertexCover, WithoutEdgesIsEmptyAndCostsMustBePositive) {
  const Csr32 none = graph_of(5, {});
  const VertexCover cover = vertex_cover({none, 7});
  EXPECT_EQ(cover.cost, 0);
  EXPECT_EQ(std::count(cover.rows.begin(), cover.rows.end(), true), 0);
  EXPECT_EQ(std::count(cover.columns.begin(), cover.columns.end(), true), 0);
  EXPECT_THROW(vertex_cover({none, 7, 0, 1}), Error);
}

}  // namespace
}  // namespace kith::test
