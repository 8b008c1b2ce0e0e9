#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kith/datasets/import/node_table.h"
#include "kith/datasets/import/raw_dataset.h"
#include "kith/datasets/store.h"
#include "kith/datasets/text/edge_format.h"
#include "kith/graph/reorder.h"

namespace kith {

/// What becomes of self-loops; `automatic` is the format's own habit (Planetoid and gnn-benchmark drop them,
/// the others keep them).
enum class LoopPolicy { automatic, add, drop, keep };
/// `row`: every feature row is divided by its sum; rows that sum to 0 stay.
enum class FeatureNorm { none, row };

struct PrepareOptions {
  std::string format = "auto";         ///< a name of `import_formats()`, or auto: recognised
  std::string name;                    ///< which of several data sets a folder holds; the store's name
  std::optional<RowsAre> matrix_rows;  ///< of an adjacency matrix; nothing: the format's habit
  bool undirected = false;             ///< adds the reverse of every edge
  LoopPolicy self_loops = LoopPolicy::automatic;
  bool largest_component = false;
  FeatureNorm normalize_features = FeatureNorm::none;
  std::string edge_type;                       ///< of a format with several: source:relation:destination
  NodeTableOptions nodes = {};                 ///< a table of nodes beside the edges; no file: none
  std::optional<DType> feature_dtype;          ///< fp32, fp16, bf16 or int8; nothing: as the data have it
  std::optional<Order> reorder = Order::none;  ///< how the rows are numbered; the user's ids stay. Without a
                                               ///< value `community` where an aggregation reads faster
  EdgeTextOptions edge_text = {};              ///< how lists of edges are read
  std::string split;    ///< as `parse_split` reads it; empty: what the data brings, if anything
  std::string made_by;  ///< the command line, for meta.json
  Existing existing = Existing::refuse;
  /// Bytes to stay below; 0: 80% of what the process may use. Lists of edges that need more are sorted on
  /// disk.
  std::int64_t memory_limit = 0;
};

/// What was read, what was made of it, and how long each phase took.
struct PrepareReport {
  std::string format;
  StoreMeta meta;
  std::int64_t raw_nodes = 0;
  std::int64_t raw_edges = 0;
  std::int64_t raw_self_loops = 0;
  std::int64_t text_bytes = 0;  ///< of unpacked text that was read, or 0
  std::int64_t unlabelled = 0;
  std::int64_t split[3] = {0, 0, 0};
  std::vector<std::string> notes;
  std::vector<std::pair<std::string, double>> seconds;  ///< per phase, in order
};
/// The report as lines for a terminal.
std::string describe(const PrepareReport& report);

/// Imports `raw`, checks and cleans it, and writes a store, whole or not at all. Throws InputError with the
/// file, the place, the value and the bound.
PrepareReport prepare(const std::filesystem::path& raw, const std::filesystem::path& store,
                      const PrepareOptions& options);

/// The second half of `prepare`, for data that is in memory: checks, cleans, writes.
PrepareReport write_dataset(RawDataset raw, const std::filesystem::path& store,
                            const PrepareOptions& options);

}  // namespace kith
