// Integers with a scale of their own for every group of G columns, so that a few large elements do not
// coarsen a whole row; a row of fewer than 32 columns shares its header with the rows behind it in the frame,
// as many as have 32 elements, where a header each would be as long as what it is for. A group is a
// quantised row of kernels/quantise.h.
#include <algorithm>

#include "kith/exec/halo/frames.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

constexpr std::int64_t kNarrow = 32;

/// Groups of one run on the wire: `rows` quantised rows of `cols` elements each, which begin `stride` apart.
struct Run {
  std::int64_t first_row, first_col, rows, cols, stride;
  std::int64_t each;  ///< of the frame's rows in one
  std::uint64_t number;
};

class GroupedFrames final : public HaloFrames {
 public:
  GroupedFrames(int bits, std::int64_t group) : bits_(bits), group_(group) {}

  std::optional<FrameBytes> known_bytes(const HaloFrame& frame) const override {
    FrameBytes all;
    for (const Run& run : runs(frame)) {
      const std::int64_t header = quantised_row_bytes(bits_, 0);
      all.header += run.rows * header;
      all.payload += run.rows * (quantised_row_bytes(bits_, run.cols) - header);
    }
    return all;
  }
  std::int64_t most_bytes(const HaloFrame& frame) const override {
    const FrameBytes bytes = *known_bytes(frame);
    return bytes.payload + bytes.header;
  }

  FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override {
    require(x.contiguous(), "a frame's rows follow one another", {{"stride", x.stride}});
    std::vector<StoreId> ids;
    for (const Run& run : runs(frame)) {
      ids.clear();
      for (std::int64_t i = 0; i < run.rows; ++i)
        ids.push_back(frame.ids[static_cast<std::size_t>(run.first_row + i * run.each)]);
      const ConstTensor part(x.row(run.first_row) + run.first_col, run.rows, run.cols, run.stride);
      quantise_rows(on, part, {}, ids, bits_, draws_of(frame, run),
                    appended(out, run.rows * quantised_row_bytes(bits_, run.cols)));
    }
    return *known_bytes(frame);
  }

  void unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
              Tensor y) override {
    require(y.contiguous(), "a frame's rows follow one another", {{"stride", y.stride}});
    for (const Run& run : runs(frame)) {
      const auto wire = taken(bytes, run.rows * quantised_row_bytes(bits_, run.cols));
      dequantise_rows(on, wire.data(), bits_,
                      Tensor(y.row(run.first_row) + run.first_col, run.rows, run.cols, run.stride));
    }
  }

 private:
  /// Narrow rows in groups of several and a last group of the others; wide ones by their columns.
  std::vector<Run> runs(const HaloFrame& frame) const {
    const std::int64_t rows = frame.rows(), cols = frame.cols;
    std::vector<Run> all;
    if (cols < kNarrow && cols > 0) {
      const std::int64_t each = (kNarrow + cols - 1) / cols, whole = rows / each, rest = rows % each;
      if (whole > 0) all.push_back({0, 0, whole, each * cols, each * cols, each, 0});
      if (rest > 0) all.push_back({whole * each, 0, 1, rest * cols, rest * cols, rest, 0});
      return all;
    }
    for (std::int64_t j = 0; j < cols; j += group_)
      all.push_back(
          {0, j, rows, std::min(group_, cols - j), cols, 1, static_cast<std::uint64_t>(j / group_)});
    return all;
  }

  /// Groups of a row are rounded by draws of their own; the first by those of the row.
  static RoundingDraws draws_of(const HaloFrame& frame, const Run& run) {
    RoundingDraws draws = frame.draws;
    if (run.number == 0) return draws;
    const std::uint64_t seed = std::uint64_t{draws.key.hi} << 32 | draws.key.lo;
    draws.key = philox_key(seed, Stream::rounding, run.number);
    return draws;
  }

  int bits_;
  std::int64_t group_;
};

}  // namespace

std::unique_ptr<HaloEncode> encode_grouped(int bits, double group) {
  return std::make_unique<FramedEncode<GroupedFrames>>(bits, static_cast<std::int64_t>(group));
}

}  // namespace kith::halo
