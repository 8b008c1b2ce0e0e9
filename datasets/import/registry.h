#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kith/datasets/import/raw_dataset.h"
#include "kith/datasets/text/edge_format.h"

namespace kith {

/// What the user said about the raw data.
struct ImportRequest {
  std::string format = "auto";
  std::optional<RowsAre> matrix_rows = {};  ///< of an adjacency matrix; nothing: the format's habit
  std::string edge_type = {};               ///< source:relation:destination, where a format has several
  std::string features = {}, label = {};    ///< names of arrays, where a format names them
  std::string name;                         ///< which of several data sets a folder holds
  std::optional<SplitSpec> split;           ///< an importer looks at `mask` only
  EdgeTextOptions edge_text = {};           ///< how lists of edges are read
};

/// What the rows of an adjacency matrix are, where the user did not say otherwise.
inline RowsAre rows_of(const ImportRequest& request, RowsAre habit) {
  return request.matrix_rows.value_or(habit);
}

/// A raw format: adding one is a file with the two functions and its line in registry.cc.
struct ImportFormat {
  std::string_view name;
  std::string_view looks_like;  ///< for --help and for the message when nothing fits
  bool (*recognises)(const std::filesystem::path& raw, const ImportRequest& request);
  RawDataset (*read)(const std::filesystem::path& raw, const ImportRequest& request);
};
std::span<const ImportFormat> import_formats();

/// Reads raw data in the format asked for, or in the first that recognises it. Throws InputError when the
/// path is not there, no format fits, or the data are bad.
RawDataset import_dataset(const std::filesystem::path& raw, const ImportRequest& request);

}  // namespace kith
