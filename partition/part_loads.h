#pragma once
#include <cstdint>
#include <vector>

#include "kith/partition/partitioning.h"

namespace kith {

/// How full the parts are while nodes are placed one by one, under any number of constraints (nodes alone
/// without one). A load is relative: the largest over the constraints of the part's weight over the mean
/// part's. O(k).
class PartLoads {
 public:
  explicit PartLoads(const PartitionRequest& request);

  double load(int part) const { return load_[part]; }
  /// Whether the part stays within 1 + imbalance times the mean with the node in it.
  bool fits(std::int64_t node, int part) const;
  /// The part with the smallest load; of equals the lowest. O(1).
  int least() const { return winner_[1]; }
  /// O(constraints + log k).
  void add(std::int64_t node, int part);
  /// Empties all parts.
  void clear();

 private:
  double share(std::int64_t node, std::size_t constraint) const;
  int lighter(int a, int b) const { return b < 0 || (a >= 0 && load_[a] <= load_[b]) ? a : b; }

  std::vector<const BalanceConstraint*> constraints_;  ///< nullptr: every node weighs 1
  std::vector<double> mean_;                           ///< per constraint, of a part
  std::vector<double> weight_;                         ///< [k · constraints], in means
  std::vector<double> load_;                           ///< [k]
  std::vector<int>
      winner_;  ///< a tournament over the parts: the root is entry 1, leaf p is entry size / 2 + p
  double limit_;
};

}  // namespace kith
