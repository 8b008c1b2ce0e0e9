#pragma once
#include <string>
#include <vector>

#include "kith/datasets/partitioned_store.h"

namespace kith {

/// Rows of texts under column titles, ready to be aligned.
struct DescribedTable {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::vector<double> bars = {};  ///< a bar of [0, 1] behind every row, or none
};

/// What `kith inspect` tells of a folder: the same facts for people and, in `json`, for programs.
struct Description {
  struct Fact {
    std::string name;
    std::string value;
  };
  std::vector<Fact> facts;
  std::vector<DescribedTable> tables;
  std::string json;  ///< one object, indented by two
};

/// Counts, degrees, components, homophily, feature values, splits, classes and bytes on disk. O(n F + m log
/// degree).
Description description_of(const Store& store);
/// The store's counts, the quality of the partitioning, a row for every part, and what
/// lies between the parts. O(m).
Description description_of(const PartitionedStore& store);
/// Of a store or partitioned store, whichever the folder is. Throws InputError otherwise.
Description description_of_folder(const std::filesystem::path& folder);

}  // namespace kith
