#pragma once
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "kith/datasets/import/raw_dataset.h"
#include "kith/datasets/text/edge_format.h"
#include "kith/datasets/text/id_map.h"

namespace kith {

/// The user's ids of the nodes, and how to find a node by its id.
struct EdgeIds {
  std::int64_t nodes = 0;
  bool mapped = false;           ///< false: ids are nodes
  Array<std::int64_t> node_ids;  ///< when numbers are mapped: ascending
  NodeNames names;               ///< when texts are mapped: in the order of first appearance
  IdShards<NumberTable> numbers;
  IdShards<NameTable> texts;

  /// The node that a number of the user's stands for. Throws InputError with `file` when there is none: the
  /// file is not what it was.
  std::int64_t node_of(std::int64_t id, const std::filesystem::path& file) const;

  /// The ids found become nodes: numbers ascending, texts in the order of first appearance.
  void number_numbers();
  void number_texts();
};

/// What one pass over the files found.
struct EdgeCounts {
  std::int64_t edges = 0;
  std::int64_t lowest = 0, largest = -1;
  std::int64_t text_bytes = 0;
  std::int64_t bad_lines = 0;
};

/// All edges in memory.
struct EdgeText {
  RawEdges edges;
  Array<float> weights;  ///< one per edge, or empty
  EdgeIds ids;
  EdgeCounts counts;
  EdgeFormat format;
  std::vector<std::string> notes;
};

/// Reads lists of edges, one line an edge, several files as if they were one. The nodes' numbers do not
/// depend on the number of threads: numbers that are mapped are numbered in ascending order, texts in the
/// order of their first appearance, source before destination. Throws InputError with file:line.
EdgeText read_edge_text(const std::vector<std::filesystem::path>& files, const EdgeTextOptions& options);

/// The name of a data set of `raw`: its file's without packing and extension, a pattern's without wildcards.
std::string edge_text_name(const std::filesystem::path& raw);

}  // namespace kith
