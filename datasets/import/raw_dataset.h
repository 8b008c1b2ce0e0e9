#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kith/core/array.h"
#include "kith/core/dtype.h"
#include "kith/core/mapped_file.h"
#include "kith/datasets/import/split_spec.h"
#include "kith/datasets/store.h"
#include "kith/graph/builders.h"

namespace kith {

/// Owned directed edges: edge i goes from source[i] to destination[i].
template <class Index>
struct OwnedColumns {
  Array<Index> source;
  Array<Index> destination;

  EdgeColumns<Index> view() const { return {source.span(), destination.span()}; }
};
using RawEdges = std::variant<OwnedColumns<std::int32_t>, OwnedColumns<std::int64_t>>;

/// Dense feature rows: held, left in the mapped file that they came in, or made on demand.
struct RawFeatures {
  DType dtype = DType::f32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  Array<std::byte> bytes;             ///< [rows, cols], empty when they are in a file or `fill` makes them
  std::span<const std::byte> mapped;  ///< [rows, cols] of `file`, or empty
  std::shared_ptr<const MappedFile> file;
  Array<float> scales;  ///< [rows] of int8 features, else empty
  /// Writes rows [begin, end) to `out`. A pure function, called from several threads.
  std::function<void(std::int64_t begin, std::int64_t end, std::byte* out)> fill;

  /// The rows that are held or mapped.
  const std::byte* data() const { return file ? mapped.data() : bytes.data(); }
  /// These rows from now on, and no file.
  void hold(Array<std::byte> rows_of_bytes) {
    bytes = std::move(rows_of_bytes);
    mapped = {};
    file = nullptr;
  }
};

/// Texts as one blob: text i is bytes[offsets[i] … offsets[i + 1]).
struct NodeNames {
  Array<std::int64_t> offsets;  ///< [n + 1], or empty
  Array<std::uint8_t> bytes;

  bool empty() const { return offsets.empty(); }
  std::int64_t size() const { return std::max<std::int64_t>(0, offsets.ssize() - 1); }
  std::string_view operator[](std::int64_t i) const {
    return {reinterpret_cast<const char*>(bytes.data()) + offsets[i],
            static_cast<std::size_t>(offsets[i + 1] - offsets[i])};
  }
};

/// The file that each array came from, for messages; empty: made, not read.
struct Provenance {
  std::string edges, features, labels, node_ids, edge_weights;
  std::string split[3];
};

/// What an importer or a generator hands to `write_dataset`: as found, neither symmetrised nor cleaned.
struct RawDataset {
  std::string name;
  std::string format;
  std::int64_t nodes = 0;
  RawEdges edges;
  /// The format stores arcs of a graph that is meant undirected (every importer of such a format sets it).
  bool meant_undirected = false;
  /// What `--self-loops auto` does for this format.
  SelfLoops self_loops = SelfLoops::keep;
  Array<float> edge_weights;  ///< one per edge, or empty
  RawFeatures features;
  Array<std::int64_t> classes;  ///< [nodes] −1: none; or empty
  Array<float> multi_labels;    ///< [nodes, class_count] 0, 1, NaN: none; or empty
  std::int64_t class_count = 0;
  SplitIds split;                ///< what the data brings
  Array<std::int64_t> node_ids;  ///< the user's numbers; empty: 0 … nodes − 1
  std::vector<std::string> node_names;
  NodeNames names;  ///< the same as one blob; at most one of the two is there
  Provenance from;
  std::int64_t text_bytes = 0;     ///< of unpacked text that was read, or 0
  std::vector<std::string> notes;  ///< what the importer mended, a sentence each
};

/// What a row of an adjacency matrix is.
enum class RowsAre { sources, destinations };

std::int64_t edge_count(const RawEdges& edges);

/// O(n F + m) checks with the file, the position, the value and the bound in the message; throws InputError:
/// ids in range, finite features and weights, labels in range, split ids in range and in one split only,
/// array sizes.
void validate(const RawDataset& raw);

}  // namespace kith
