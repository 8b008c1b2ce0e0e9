#include <unordered_map>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/datasets/import/node_table.h"
#include "kith/datasets/import/sparse_matrix.h"

// The edges came with node numbers of their own: the ids themselves, or numbers given in the order of the ids
// with the ids kept beside them. Here every node finds its row in the table by its id; the row is its new
// number.

namespace kith {
namespace {

constexpr std::int64_t kNowhere = -1;
constexpr std::int64_t kGrain = 1 << 16;

bool has_names(const RawDataset& raw) { return !raw.node_names.empty() || !raw.names.empty(); }

std::string name_of_node(const RawDataset& raw, std::int64_t node) {
  if (!raw.node_names.empty()) return raw.node_names[node];
  if (!raw.names.empty()) return std::string(raw.names[node]);
  return std::to_string(raw.node_ids.empty() ? node : raw.node_ids[node]);
}

/// Which nodes have an edge: the others only fill a gap between ids.
std::vector<std::uint8_t> nodes_with_edges(const RawDataset& raw) {
  std::vector<std::uint8_t> seen(static_cast<std::size_t>(raw.nodes), 0);
  std::visit(
      [&](const auto& edges) {
        for (const auto* ids : {&edges.source, &edges.destination})
          for (const auto id : *ids)
            if (id >= 0 && id < raw.nodes) seen[id] = 1;  // others are told by validate
      },
      raw.edges);
  return seen;
}

template <class Key, class KeyOfRow>
std::unordered_map<Key, std::int64_t> rows_by_id(const NodeRows& rows, KeyOfRow&& key_of_row) {
  std::unordered_map<Key, std::int64_t> found;
  found.reserve(static_cast<std::size_t>(rows.rows));
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    const auto [at, fresh] = found.emplace(key_of_row(row), row);
    if (!fresh)
      throw InputError(fmt::format("{}: id {} stands in {} already; an id stands once", rows.place(row),
                                   at->first, rows.place(at->second)));
  }
  return found;
}

/// The row of every node of the graph that has an edge.
template <class Find>
std::vector<std::int64_t> rows_of_nodes(const RawDataset& raw, const NodeRows& rows, Find&& find) {
  const std::vector<std::uint8_t> seen = nodes_with_edges(raw);
  std::vector<std::int64_t> row_of(static_cast<std::size_t>(raw.nodes), kNowhere);
  for (std::int64_t node = 0; node < raw.nodes; ++node) {
    if (seen[node] == 0) continue;
    row_of[node] = find(node);
    if (row_of[node] == kNowhere)
      throw InputError(
          fmt::format("{}: node {} of the edges ({}) has no row here ({} rows); every node needs one",
                      rows.where, name_of_node(raw, node), raw.from.edges, rows.rows));
  }
  return row_of;
}

std::vector<std::int64_t> row_of_nodes(const RawDataset& raw, const NodeRows& rows) {
  if (!rows.has_ids) {
    if (has_names(raw))
      throw InputError(
          fmt::format("{}: it has no ids, but the nodes of {} have names; name the column with --node-id",
                      rows.where, raw.from.edges));
    return rows_of_nodes(raw, rows, [&](std::int64_t node) {
      const std::int64_t id = raw.node_ids.empty() ? node : raw.node_ids[node];
      return id >= 0 && id < rows.rows ? id : kNowhere;
    });
  }
  if (has_names(raw)) {
    const auto found = rows_by_id<std::string>(rows, [&](std::int64_t row) {
      return rows.names.empty() ? std::to_string(rows.ids[row]) : rows.names[row];
    });
    return rows_of_nodes(raw, rows, [&](std::int64_t node) {
      const auto at = found.find(name_of_node(raw, node));
      return at == found.end() ? kNowhere : at->second;
    });
  }
  if (!rows.names.empty())
    throw InputError(fmt::format("{}: id \"{}\" is a text, but those of {} are numbers",
                                 rows.place(rows.first_text), rows.names[rows.first_text].substr(0, 40),
                                 raw.from.edges));
  const auto found = rows_by_id<std::int64_t>(rows, [&](std::int64_t row) { return rows.ids[row]; });
  return rows_of_nodes(raw, rows, [&](std::int64_t node) {
    const auto at = found.find(raw.node_ids.empty() ? node : raw.node_ids[node]);
    return at == found.end() ? kNowhere : at->second;
  });
}

/// Ids outside [0, nodes) are left as they are, to be told by validate.
void renumber_edges(RawDataset& raw, const std::vector<std::int64_t>& row_of, std::int64_t rows) {
  std::visit(
      [&](auto& edges) {
        const std::int64_t m = edges.source.ssize();
        Array<std::int64_t> ends[2] = {Array<std::int64_t>(m), Array<std::int64_t>(m)};
        parallel_for(0, m, kGrain, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t e = begin; e < end; ++e)
            for (int side = 0; side < 2; ++side) {
              const std::int64_t id = (side == 0 ? edges.source : edges.destination)[e];
              ends[side][e] = id >= 0 && id < raw.nodes ? row_of[id] : id < 0 ? id : rows + id;
            }
        });
        raw.edges = edges_of(std::move(ends[0]), std::move(ends[1]), rows);
      },
      raw.edges);
}

bool is_identity(const Array<std::int64_t>& ids) {
  for (std::int64_t i = 0; i < ids.ssize(); ++i)
    if (ids[i] != i) return false;
  return true;
}

}  // namespace

void renumber_by_rows(RawDataset& raw, NodeRows rows) {
  if (rows.rows < 1) throw InputError(rows.where + ": no rows");
  const bool texts = has_names(raw);
  renumber_edges(raw, row_of_nodes(raw, rows), rows.rows);
  raw.nodes = rows.rows;
  raw.node_ids = {};
  raw.node_names.clear();
  raw.names = {};
  raw.from.node_ids = rows.where;
  if (!rows.has_ids) return;
  if (texts && rows.names.empty())
    for (const std::int64_t id : rows.ids) rows.names.push_back(std::to_string(id));
  if (texts)
    raw.node_names = std::move(rows.names);
  else if (!is_identity(rows.ids))
    raw.node_ids = std::move(rows.ids);
}

}  // namespace kith
