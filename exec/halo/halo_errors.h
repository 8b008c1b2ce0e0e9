#pragma once
#include <map>
#include <span>
#include <utility>

#include "kith/core/tensor.h"

namespace kith {

/// How far what the exchanges of a pass brought is from the rows that were to come, by layer and direction.
class HaloErrors {
 public:
  struct Squares {
    double lost = 0;   ///< ‖H̃ − H‖²
    double whole = 0;  ///< ‖H‖²
  };

  /// What a layer got, and what it would have got of rows that cross as they are and in time.
  void add(int layer, bool backward, ConstTensor got, ConstTensor exact);
  /// Zeros where nothing was added.
  Squares of(int layer, bool backward) const;

 private:
  std::map<std::pair<int, bool>, Squares> squares_;
};

}  // namespace kith
