#pragma once
#include "kith/exec/halo/frames.h"

namespace kith {

/// Frames that leave out elements of a row which nothing reads: no loss, so that whoever compares rows asks
/// for them.
class LeavesOut {
 public:
  virtual ~LeavesOut() = default;
  /// Zeros what it left out of the rows x of a frame that came last.
  virtual void leave_out(const HaloFrame& frame, Tensor x) const = 0;
};

}  // namespace kith
