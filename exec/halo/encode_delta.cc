// Closed-loop delta coding: sender and receiver keep the same copy of every row. What crosses is the
// difference from it, rounded to the nearest, and both add what crossed; so an error of rounding is part of
// the next difference, and nothing drifts. EC-Graph (Song et al. 2022) compensates what it sends in this way;
// its prediction of trends is not here.
#include "kith/exec/halo/frames.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class DeltaFrames final : public NearestFrames {
 public:
  using NearestFrames::NearestFrames;

  FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override {
    Matrix difference(frame.rows(), frame.cols);
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      const RowMemory::Row& copy = sent_.row(frame, i);
      for (std::int64_t j = 0; j < frame.cols; ++j) difference(i, j) = x(i, j) - copy.values[j];
    }
    append(on, frame, difference, difference, out);
    add(sent_, frame, difference);
    return *known_bytes(frame);
  }

  void unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
              Tensor y) override {
    read(on, frame, bytes, y);
    add(received_, frame, y);
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      const std::vector<float>& copy = received_.row(frame, i).values;
      std::copy(copy.begin(), copy.end(), y.row(i));
    }
  }

  void save(HaloState& state) const override {
    sent_.save(state, "copies.sent");
    received_.save(state, "copies.received");
  }
  void restore(const HaloState& state) override {
    sent_.restore(state, "copies.sent");
    received_.restore(state, "copies.received");
  }

 private:
  static void add(RowMemory& memory, const HaloFrame& frame, ConstTensor difference) {
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      RowMemory::Row& copy = memory.row(frame, i);
      for (std::int64_t j = 0; j < frame.cols; ++j) copy.values[j] += difference(i, j);
    }
  }

  RowMemory sent_, received_;
};

}  // namespace

std::unique_ptr<HaloEncode> encode_delta(int bits) {
  if (bits != 1 && bits != 2 && bits != 4 && bits != 8)
    throw InputError("encode delta takes 1, 2, 4 or 8 bits behind a colon, not " + std::to_string(bits));
  return std::make_unique<FramedEncode<DeltaFrames>>(bits);
}

}  // namespace kith::halo
