#pragma once
#include <cstdint>
#include <vector>

#include "kith/datasets/partitioned_store.h"

namespace kith {

/// Of all stored feature values, as training sees them (int8 times its scale).
struct FeatureSummary {
  double minimum = 0, maximum = 0, mean = 0;
  std::int64_t values = 0, zeros = 0;
  double zero_share() const {
    return values == 0 ? 0 : static_cast<double>(zeros) / static_cast<double>(values);
  }
};
/// O(n F), in parallel; the same for any number of threads.
FeatureSummary feature_summary(const FeatureView& features);

/// cut[p · k + q]: the stored edges from nodes of part q into rows of part p. O(m).
std::vector<std::int64_t> edges_between_parts(const PartitionedStore& parts);

}  // namespace kith
