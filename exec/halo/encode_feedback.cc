// Error feedback (Karimireddy et al. 2019): what rounding loses of a row is added to what is sent of it next.
// The rounding must shrink what it loses, so it is to the nearest with levels fitted to the row
// (quantise_rows_to_nearest), not stochastic. A row that was not sent at the last step starts anew.
#include "kith/exec/halo/frames.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class FeedbackFrames final : public NearestFrames {
 public:
  using NearestFrames::NearestFrames;

  FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override {
    Matrix wanted(frame.rows(), frame.cols), said(frame.rows(), frame.cols);
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      RowMemory::Row& lost = lost_.row(frame, i);
      const bool running = !lost.fresh && lost.step + 1 == frame.pass.step;
      for (std::int64_t j = 0; j < frame.cols; ++j) wanted(i, j) = x(i, j) + (running ? lost.values[j] : 0);
    }
    append(on, frame, wanted, said, out);
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      RowMemory::Row& lost = lost_.row(frame, i);
      for (std::int64_t j = 0; j < frame.cols; ++j) lost.values[j] = wanted(i, j) - said(i, j);
      lost.step = frame.pass.step;
      lost.fresh = false;
    }
    return *known_bytes(frame);
  }

  void unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
              Tensor y) override {
    read(on, frame, bytes, y);
  }

  void save(HaloState& state) const override { lost_.save(state, "lost"); }
  void restore(const HaloState& state) override { lost_.restore(state, "lost"); }

 private:
  RowMemory lost_;
};

}  // namespace

std::unique_ptr<HaloEncode> encode_feedback(int bits) {
  return std::make_unique<FramedEncode<FeedbackFrames>>(bits);
}

}  // namespace kith::halo
