#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "kith/datasets/import/raw_dataset.h"

namespace kith {

/// A file of what is known of the nodes, beside the edges.
struct NodeTableOptions {
  /// Text with header names (.csv, .tsv, .txt, also .gz), an `.npz`, a folder of `.npy`, or one `.npy` of
  /// features.
  std::filesystem::path file;
  std::string id;  ///< the column of ids; empty: id, node or node_id where there is one, else row i is node i
  std::string label;  ///< column, pattern of 0/1 columns ("y*"), array, or an `.npy`; empty: label, labels, y
  std::string split;  ///< column of train, valid, test; empty: split
  std::string features;  ///< columns ("f*,age"), or `rest`; of arrays a name; empty: rest
};

/// Puts features, labels and splits of the table on the nodes of `raw`. The rows of the table become the rows
/// of the store: nodes without edges stay, and a node of the edges that the table lacks is refused. Throws
/// InputError with file:line or array and row.
void attach_nodes(RawDataset& raw, const NodeTableOptions& options);

/// What a table knows, row by row.
struct NodeRows {
  std::string where;
  std::int64_t rows = 0;
  bool has_ids = false;
  Array<std::int64_t> ids;         ///< numbers, where all are
  std::vector<std::string> names;  ///< else texts
  std::int64_t first_text = 0;     ///< the row of the first id that is no number, where ids are texts
  /// "nodes.csv:7" of a row of text; arrays have none.
  std::function<std::string(std::int64_t row)> line_of;

  /// Where a row stands, for messages.
  std::string place(std::int64_t row) const {
    return line_of ? line_of(row) : where + ": row " + std::to_string(row);
  }
};
/// Numbers the nodes of `raw` by the rows of the table.
void renumber_by_rows(RawDataset& raw, NodeRows rows);

/// `text` matches a pattern in which * stands for any letters.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace kith
