// The nodes that the largest flow fills up cover the edges at no more than its cost (max-flow min-cut; König
// 1931 at equal costs): what can still reach the sink is found backwards from the columns with room; rows
// among it and columns outside of it are the cover, with as few rows as any cheapest cover has.
//
// What a greedy flow fills up covers the edges, too, at twice its amount at most (Bar-Yehuda & Even 1981).
#include "kith/partition/vertex_cover.h"

#include <algorithm>
#include <limits>

#include "kith/core/error.h"
#include "kith/graph/builders.h"
#include "kith/partition/bipartite_flow.h"

namespace kith {
namespace {

std::int64_t cost_of(const Bipartite& graph, const VertexCover& cover) {
  return graph.row_cost * std::count(cover.rows.begin(), cover.rows.end(), true) +
         graph.column_cost * std::count(cover.columns.begin(), cover.columns.end(), true);
}

VertexCover empty_cover(const Bipartite& graph, CoverMethod method) {
  return {std::vector<bool>(static_cast<std::size_t>(graph.edges.n())),
          std::vector<bool>(static_cast<std::size_t>(graph.columns)), 0, method};
}

VertexCover minimum_cover(const Bipartite& graph) {
  const TransposedCsr by_column = transposed_with_edges(graph.edges, graph.columns);
  const BipartiteFlow flow = largest_flow(graph, by_column);
  VertexCover cover = empty_cover(graph, CoverMethod::minimum);
  cover.columns.assign(cover.columns.size(), true);
  std::vector<std::int32_t> reaching;  // columns
  const auto reaches = [&](std::int32_t column) {
    cover.columns[column] = false;
    reaching.push_back(column);
  };
  for (std::int32_t column = 0; column < graph.columns; ++column)
    if (flow.column_left[column] > 0) reaches(column);
  while (!reaching.empty()) {
    const std::int32_t column = reaching.back();
    reaching.pop_back();
    for (const std::int32_t row : by_column.csr.view().row(column)) {
      if (cover.rows[row]) continue;
      cover.rows[row] = true;
      for (std::int64_t e = graph.edges.indptr[row]; e < graph.edges.indptr[row + 1]; ++e)
        if (flow.on_edge[e] > 0 && cover.columns[graph.edges.indices[e]]) reaches(graph.edges.indices[e]);
    }
  }
  return cover;
}

/// Leaves out what is not needed: rows all of whose columns are in the cover, then columns.
void thin_out(const Bipartite& graph, VertexCover& cover) {
  std::vector<bool> needed(cover.columns.size());
  for (std::int64_t row = 0; row < graph.edges.n(); ++row) {
    const auto columns = graph.edges.row(row);
    const auto covered = [&](std::int32_t column) { return cover.columns[column]; };
    if (cover.rows[row]) cover.rows[row] = !std::all_of(columns.begin(), columns.end(), covered);
    if (cover.rows[row]) continue;
    for (const std::int32_t column : columns) needed[column] = true;
  }
  for (std::size_t column = 0; column < needed.size(); ++column)
    cover.columns[column] = cover.columns[column] && needed[column];
}

VertexCover greedy_cover(const Bipartite& graph) {
  const BipartiteFlow flow = greedy_flow(graph);
  VertexCover cover = empty_cover(graph, CoverMethod::greedy);
  for (std::int64_t row = 0; row < graph.edges.n(); ++row) cover.rows[row] = flow.row_left[row] == 0;
  for (std::int64_t column = 0; column < graph.columns; ++column)
    cover.columns[column] = flow.column_left[column] == 0;
  thin_out(graph, cover);
  return cover;
}

VertexCover one_side(const Bipartite& graph, CoverMethod method) {
  VertexCover cover = empty_cover(graph, method);
  for (std::int64_t row = 0; row < graph.edges.n(); ++row) {
    cover.rows[row] = method == CoverMethod::all_rows && graph.edges.degree(row) > 0;
    if (method == CoverMethod::all_rows) continue;
    for (const std::int32_t column : graph.edges.row(row)) cover.columns[column] = true;
  }
  return cover;
}

}  // namespace

VertexCover vertex_cover(const Bipartite& graph, std::int64_t exact_edges) {
  constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();
  require(graph.row_cost >= 1 && graph.row_cost <= kLargest && graph.column_cost >= 1 &&
              graph.column_cost <= kLargest,
          "a node of a cover costs something", {{"row", graph.row_cost}, {"column", graph.column_cost}});
  if (graph.edges.m() <= exact_edges) {
    VertexCover cover = minimum_cover(graph);
    cover.cost = cost_of(graph, cover);
    return cover;
  }
  VertexCover best;
  for (const CoverMethod method : {CoverMethod::all_columns, CoverMethod::all_rows, CoverMethod::greedy}) {
    VertexCover cover = method == CoverMethod::greedy ? greedy_cover(graph) : one_side(graph, method);
    cover.cost = cost_of(graph, cover);
    if (method == CoverMethod::all_columns || cover.cost < best.cost) best = std::move(cover);
  }
  return best;
}

}  // namespace kith
