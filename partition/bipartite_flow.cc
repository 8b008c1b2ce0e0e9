// Dinic (1970): breadth-first levels from the rows that have something left, then depth-first paths that
// descend them, every entry tried once a phase; until no column with room is reached. At equal costs these
// are the phases of Hopcroft and Karp (1973), O(√nodes) of them. The greedy flow goes first, which leaves
// little to do.
#include "kith/partition/bipartite_flow.h"

#include <algorithm>

#include "kith/core/error.h"

namespace kith {
namespace {

constexpr std::int32_t kUnseen = -1;

/// send(row, entry, column, amount) for what the greedy flow sends.
template <class Send>
BipartiteFlow greedily(const Bipartite& graph, Send&& send) {
  const auto rows = static_cast<std::size_t>(graph.edges.n());
  BipartiteFlow flow{Array<std::int64_t>(rows, graph.row_cost),
                     Array<std::int64_t>(static_cast<std::size_t>(graph.columns), graph.column_cost),
                     {}};
  for (std::int64_t row = 0; row < graph.edges.n(); ++row) {
    for (std::int64_t e = graph.edges.indptr[row]; e < graph.edges.indptr[row + 1]; ++e) {
      const std::int32_t column = graph.edges.indices[e];
      const std::int64_t amount = std::min(flow.row_left[row], flow.column_left[column]);
      if (amount == 0) continue;
      flow.row_left[row] -= amount;
      flow.column_left[column] -= amount;
      send(e, amount);
    }
  }
  return flow;
}

class Dinic {
 public:
  Dinic(const Bipartite& graph, const TransposedCsr& by_column)
      : edges_(graph.edges),
        columns_(by_column.csr),
        entry_(by_column.edge.span()),
        on_edge_(static_cast<std::size_t>(graph.edges.m()), 0),
        row_level_(static_cast<std::size_t>(graph.edges.n())),
        column_level_(static_cast<std::size_t>(graph.columns)),
        row_next_(row_level_.size()),
        column_next_(column_level_.size()) {
    flow_ = greedily(graph, [&](std::int64_t e, std::int64_t amount) {
      on_edge_[e] += static_cast<std::int32_t>(amount);
    });
  }

  BipartiteFlow largest() && {
    while (set_levels()) {
      std::copy(edges_.indptr.begin(), edges_.indptr.end() - 1, row_next_.begin());
      std::copy(columns_.indptr.begin(), columns_.indptr.end() - 1, column_next_.begin());
      for (std::int32_t row = 0; row < edges_.n(); ++row)
        while (flow_.row_left[row] > 0 && send_along_a_path(row)) {
        }
    }
    flow_.on_edge = std::move(on_edge_);
    return std::move(flow_);
  }

 private:
  /// A step of a path: the entry taken, and the row it was taken from or to.
  struct Step {
    std::int64_t entry;
    std::int32_t row, column;
  };

  /// Whether a column with room is reached.
  bool set_levels() {
    std::fill(row_level_.begin(), row_level_.end(), kUnseen);
    std::fill(column_level_.begin(), column_level_.end(), kUnseen);
    std::vector<std::int32_t> rows, next;
    for (std::int32_t row = 0; row < edges_.n(); ++row) {
      if (flow_.row_left[row] == 0) continue;
      row_level_[row] = 0;
      rows.push_back(row);
    }
    bool reached = false;
    for (std::int32_t level = 1; !rows.empty() && !reached; level += 2, rows.swap(next), next.clear())
      for (const std::int32_t row : rows) reached |= reach_columns(row, level, next);
    return reached;
  }

  bool reach_columns(std::int32_t row, std::int32_t level, std::vector<std::int32_t>& next) {
    bool reached = false;
    for (const std::int32_t column : edges_.row(row)) {
      if (column_level_[column] != kUnseen) continue;
      column_level_[column] = level;
      reached |= flow_.column_left[column] > 0;
      for (std::int64_t i = columns_.indptr[column]; i < columns_.indptr[column + 1]; ++i) {
        const std::int32_t back = columns_.indices[i];
        if (on_edge_[entry_[i]] == 0 || row_level_[back] != kUnseen) continue;
        row_level_[back] = level + 1;
        next.push_back(back);
      }
    }
    return reached;
  }

  bool send_along_a_path(std::int32_t root) {
    path_.clear();
    for (;;) {
      const std::int32_t row = path_.empty() ? root : path_.back().row;
      if (!step_to_column(row)) {
        row_level_[row] = kUnseen;
        if (path_.empty()) return false;
        path_.pop_back();  // another row may follow its column
      } else if (flow_.column_left[path_.back().column] > 0) {
        send(root);
        return true;
      }
      if (step_to_row()) continue;
      column_level_[path_.back().column] = kUnseen;
      path_.pop_back();
    }
  }

  bool step_to_column(std::int32_t row) {
    for (std::int64_t& e = row_next_[row]; e < edges_.indptr[row + 1]; ++e) {
      const std::int32_t column = edges_.indices[e];
      if (column_level_[column] != row_level_[row] + 1) continue;
      path_.push_back({e, row, column});
      return true;
    }
    return false;
  }

  /// From the path's last column, against the flow on an entry.
  bool step_to_row() {
    const std::int32_t column = path_.back().column;
    for (std::int64_t& i = column_next_[column]; i < columns_.indptr[column + 1]; ++i) {
      const std::int32_t row = columns_.indices[i];
      if (on_edge_[entry_[i]] == 0 || row_level_[row] != column_level_[column] + 1) continue;
      path_.push_back({entry_[i], row, column});
      return true;
    }
    return false;
  }

  void send(std::int32_t root) {
    std::int64_t amount = std::min(flow_.row_left[root], flow_.column_left[path_.back().column]);
    for (std::size_t i = 1; i < path_.size(); i += 2)
      amount = std::min(amount, std::int64_t{on_edge_[path_[i].entry]});
    const auto change = static_cast<std::int32_t>(amount);
    for (std::size_t i = 0; i < path_.size(); ++i) on_edge_[path_[i].entry] += i % 2 == 0 ? change : -change;
    flow_.row_left[root] -= amount;
    flow_.column_left[path_.back().column] -= amount;
  }

  CsrView<std::int32_t> edges_, columns_;
  std::span<const std::int64_t> entry_;  ///< of the columns' entries, where they stand in the rows
  Array<std::int32_t> on_edge_, row_level_, column_level_;
  Array<std::int64_t> row_next_, column_next_;  ///< the entry to try next
  std::vector<Step> path_;                      ///< to a column, to a row, …
  BipartiteFlow flow_;
};

}  // namespace

BipartiteFlow greedy_flow(const Bipartite& graph) {
  return greedily(graph, [](std::int64_t, std::int64_t) {});
}

BipartiteFlow largest_flow(const Bipartite& graph, const TransposedCsr& by_column) {
  return Dinic(graph, by_column).largest();
}

}  // namespace kith
