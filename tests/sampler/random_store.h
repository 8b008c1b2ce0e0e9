#pragma once
#include <filesystem>
#include <set>
#include <vector>

#include "kith/core/philox.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/sampler/ownership.h"

namespace kith::test {

/// A folder that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct RandomStoreOptions {
  std::int64_t nodes = 400;
  std::int64_t degree = 8;  ///< mean; skewed, some nodes have none
  bool self_loops = false;  ///< every third node has one
  DType dtype = DType::f32;
  std::int64_t cols = 5;
  std::int64_t classes = 4;
  bool multi_label = false;
  std::int64_t train_stride = 2;  ///< every so many nodes train
  bool all_splits = false;        ///< the nodes behind each train node validate or test, by turns
  int parts = 4;
  /// Parts that get no train node: they take only others.
  int parts_without_train = 0;
  std::uint64_t seed = 1;
};

/// A random graph with features and labels, in memory and as a partitioned store of a random assignment.
struct RandomStore {
  explicit RandomStore(const RandomStoreOptions& options);

  RandomStoreOptions options;
  std::vector<std::set<std::int64_t>> rows;      ///< in-neighbours by store id
  std::vector<std::int64_t> train, valid, test;  ///< ascending
  std::vector<std::byte> features;               ///< [nodes, cols] of dtype
  std::vector<float> scales;
  std::vector<std::int64_t> labels;
  std::vector<float> multi_labels;
  Partitioning partitioning;
  TemporaryFolder folder;

  PartitionedStore open() const { return PartitionedStore::open(folder.path() / "parts"); }
  /// What a feature reads as, by a conversion of its own.
  float feature(std::int64_t node, std::int64_t col) const;
  std::int64_t row_bytes() const { return options.cols * static_cast<std::int64_t>(size_of(options.dtype)); }

 private:
  void make_graph();
  void make_contents();
  void write();
};

/// The store id of every global id.
std::vector<std::int64_t> store_ids_of(const PartitionedStore& parts);

}  // namespace kith::test
