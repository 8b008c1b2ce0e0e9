#pragma once
#include "kith/exec/halo/frames.h"

namespace kith::halo {

/// What an encoding lost of each row at the last step: error feedback (Karimireddy et al. 2019) adds it to
/// what is sent next. A row that was not sent at the last step starts anew.
class LostRows {
 public:
  /// x with what was lost of it.
  Matrix added_to(const HaloFrame& frame, ConstTensor x);
  /// Of these rows the receiver reads `said`.
  void note(const HaloFrame& frame, ConstTensor wanted, ConstTensor said);
  void save(HaloState& state) const { rows_.save(state, "lost"); }
  void restore(const HaloState& state) { rows_.restore(state, "lost"); }

 private:
  RowMemory rows_;
};

}  // namespace kith::halo
