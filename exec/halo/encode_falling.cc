// VARCO (Cerviño et al. 2024): a share of the columns crosses, the others are zeros, and the share grows from
// 1 / R to 1 over the training, the ratio falling by as much every step. Which columns, both ends draw: the
// same of all rows of a layer, anew at every step; backward those of forward.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "kith/exec/halo/frames.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class FallingFrames final : public HaloFrames {
 public:
  FallingFrames(double ratio, std::int64_t steps) : ratio_(ratio), steps_(steps) {}

  std::optional<FrameBytes> known_bytes(const HaloFrame& frame) const override {
    return FrameBytes{most_bytes(frame), 0};
  }
  std::int64_t most_bytes(const HaloFrame& frame) const override {
    return frame.rows() * count(frame) * static_cast<std::int64_t>(sizeof(float));
  }

  FrameBytes pack(const Backend&, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override {
    const std::vector<std::int32_t> columns = drawn(frame);
    std::byte* wire = appended(out, most_bytes(frame));
    for (std::int64_t i = 0; i < frame.rows(); ++i)
      for (const std::int32_t j : columns) {
        std::memcpy(wire, x.row(i) + j, sizeof(float));
        wire += sizeof(float);
      }
    return {most_bytes(frame), 0};
  }

  void unpack(const Backend&, const HaloFrame& frame, std::span<const std::byte> bytes, Tensor y) override {
    const std::vector<std::int32_t> columns = drawn(frame);
    const std::byte* wire = taken(bytes, most_bytes(frame)).data();
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      std::fill_n(y.row(i), y.cols, 0.0f);
      for (const std::int32_t j : columns) {
        std::memcpy(y.row(i) + j, wire, sizeof(float));
        wire += sizeof(float);
      }
    }
  }

 private:
  std::int64_t count(const HaloFrame& frame) const {
    const double last = static_cast<double>(std::max<std::int64_t>(steps_ - 1, 1));
    const double done = std::min(1.0, static_cast<double>(frame.pass.step) / last);
    const double ratio = ratio_ - (ratio_ - 1) * done;
    return std::min(frame.cols,
                    static_cast<std::int64_t>(std::ceil(static_cast<double>(frame.cols) / ratio)));
  }

  /// Those of the least draws, ascending.
  std::vector<std::int32_t> drawn(const HaloFrame& frame) const {
    std::vector<std::int32_t> columns(static_cast<std::size_t>(frame.cols));
    std::iota(columns.begin(), columns.end(), 0);
    const PhiloxKey key =
        philox_key(frame.seed, Stream::boundary, static_cast<std::uint64_t>(frame.pass.layer));
    std::vector<std::uint64_t> draws(columns.size());
    for (std::size_t j = 0; j < draws.size(); ++j)
      draws[j] = word64(draw_words(key, StoreId(static_cast<std::int64_t>(j)), frame.pass.step, 1), 0);
    const auto end = columns.begin() + static_cast<std::ptrdiff_t>(count(frame));
    std::nth_element(columns.begin(), end, columns.end(),
                     [&](std::int32_t a, std::int32_t b) { return draws[a] < draws[b]; });
    columns.erase(end, columns.end());
    std::sort(columns.begin(), columns.end());
    return columns;
  }

  double ratio_;
  std::int64_t steps_;
};

}  // namespace

std::unique_ptr<HaloEncode> encode_falling(double ratio, std::int64_t steps) {
  return std::make_unique<FramedEncode<FallingFrames>>(ratio, steps);
}

}  // namespace kith::halo
