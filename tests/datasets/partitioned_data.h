#pragma once
#include "core/temporary_folder.h"
#include "datasets/store_data.h"

#include "kith/datasets/partitioned_store.h"

namespace kith::test {

/// A random store and its parts, in a folder of their own: "store" and "parts".
struct PartitionedData {
  testing::TemporaryFolder folder;
  StoreData data;
  Partitioning partitioning;

  PartitionedData(const StoreDataOptions& options, int k)
      : data(options), partitioning(random_parts(options.nodes, k, options.seed + 9)) {
    write_store(folder / "store", data.arrays(), {.name = "random"});
    const Store store = Store::open(folder / "store");
    write_partitioned_store(folder / "parts", store, partitioning, {.method = "random", .seed = 3});
  }
};

}  // namespace kith::test
