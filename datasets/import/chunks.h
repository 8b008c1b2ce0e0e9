#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "kith/datasets/import/raw_dataset.h"
#include "kith/datasets/npy.h"

namespace kith {

/// An array that lies in several files, one behind the other.
struct Chunks {
  std::string format;    ///< numpy or csv
  char delimiter = ',';  ///< of csv
  std::vector<std::filesystem::path> files;
  std::string where;  ///< "metadata.json: node_data/paper/feat", for messages
};

/// Calls use with the whole array; one `.npy` is viewed, several are joined (equal types and rows), csv is
/// read as numbers. The view lives that long. Throws InputError that names file and row; a parquet chunk says
/// how to convert it.
void with_array(const Chunks& chunks, const std::function<void(const NpyView&)>& use);

/// The edges of chunks: csv of two columns, or `.npy` [2, E] or [E, 2] each.
std::pair<Array<std::int64_t>, Array<std::int64_t>> edges_of_chunks(const Chunks& chunks);

/// `name` inside `folder`. Throws InputError when it leads out of it or is not there.
std::filesystem::path file_inside(const std::filesystem::path& folder, const std::string& name,
                                  const std::string& where);

}  // namespace kith
