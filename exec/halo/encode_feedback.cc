// Error feedback (Karimireddy et al. 2019): what rounding loses of a row is added to what is sent of it next.
// The rounding must shrink what it loses, so it is to the nearest with levels fitted to the row
// (quantise_rows_to_nearest), not stochastic.
#include "kith/exec/halo/lost_rows.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class FeedbackFrames final : public NearestFrames {
 public:
  using NearestFrames::NearestFrames;

  FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override {
    const Matrix wanted = lost_.added_to(frame, x);
    Matrix said(frame.rows(), frame.cols);
    append(on, frame, wanted, said, out);
    lost_.note(frame, wanted, said);
    return *known_bytes(frame);
  }

  void unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
              Tensor y) override {
    read(on, frame, bytes, y);
  }

  void save(HaloState& state) const override { lost_.save(state); }
  void restore(const HaloState& state) override { lost_.restore(state); }

 private:
  LostRows lost_;
};

}  // namespace

std::unique_ptr<HaloEncode> encode_feedback(int bits) {
  return std::make_unique<FramedEncode<FeedbackFrames>>(bits);
}

}  // namespace kith::halo
