#pragma once
#include <utility>
#include <vector>

#include "kith/exec/halo/frames.h"
#include "kith/exec/halo/lost_rows.h"

namespace kith::halo {

/// Frames with error feedback: what they lose of a row is added to what is sent of it next. `Frames` append
/// rows, say what the receiver reads of them, and that something is remembered.
template <class Frames>
class FedBack final : public Frames {
 public:
  using Frames::Frames;

  FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override {
    const Matrix wanted = lost_.added_to(frame, x);
    Matrix said(frame.rows(), frame.cols);
    this->append(on, frame, wanted, said.view(), out);
    lost_.note(frame, wanted, said);
    return *this->known_bytes(frame);
  }
  void save(HaloState& state) const override { lost_.save(state); }
  void restore(const HaloState& state) override { lost_.restore(state); }

 private:
  LostRows lost_;
};

}  // namespace kith::halo
