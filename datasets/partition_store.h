#pragma once
#include <filesystem>

#include "kith/core/file.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/partition/partitioners.h"
#include "kith/partition/settings.h"

namespace kith {

/// What partitioning a store came to.
struct PartitionedStoreReport {
  PartitionMeta meta;
  PartitionReport partitioner;
};

/// Cuts a store as the options say and writes the partitioned store, whole or not at all. Throws what the
/// partitioner and the writer throw.
PartitionedStoreReport partition_store(const Store& store, const std::filesystem::path& folder,
                                       const PartitionOptions& options, Existing existing = Existing::refuse);

}  // namespace kith
