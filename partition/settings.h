#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "kith/core/settings.h"
#include "kith/partition/levels.h"
#include "kith/partition/partitioning.h"

namespace kith {

/// The settings of the verb `partition`.
struct PartitionOptions {
  int k = 2;
  std::string method = "metis";
  CutObjective objective = CutObjective::cut;
  std::string balance = "nodes";  ///< names for `balance_constraints`
  double imbalance = 0.03;
  int passes = 10;
  std::uint64_t seed = 0;
  std::filesystem::path assignment;         ///< empty: the method decides
  std::vector<PartitionLevel> levels = {};  ///< empty: one cut into k parts
};

/// Adds k, levels, method, objective, balance, imbalance, passes, assignment and seed.
void add_partition_settings(Schema& schema);
/// Throws InputError when `balance` names an unknown constraint or the levels are not k parts.
PartitionOptions partition_options(const Settings& settings);

}  // namespace kith
