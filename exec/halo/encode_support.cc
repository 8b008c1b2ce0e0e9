// Lossless support coding. After ReLU and dropout three elements in four are zeros, and stay zeros of the
// gradient: backward, what arrives where x was 0 is multiplied by 0. So forward a row is its elements that
// are not 0, behind a bit for each element that dropout kept (the receiver draws the mask itself); backward
// it is the same elements of the gradient, and no bit, as both ends remember which. With fewer than 32 bits
// an element, what is left of a row is quantised like a row of its own.
#include <cstring>
#include <numeric>
#include <set>

#include "kith/exec/halo/left_out.h"
#include "kith/exec/halo/values.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/rows.h"

namespace kith::halo {
namespace {

using Columns = std::vector<std::int32_t>;  ///< where a row is not 0

Columns all_columns(std::int64_t count) {
  Columns columns(static_cast<std::size_t>(count));
  std::iota(columns.begin(), columns.end(), 0);
  return columns;
}

/// Elements of fp32, bf16, or 8 bits and fewer between the least and the largest of a row.
class Elements {
 public:
  explicit Elements(int bits) : bits_(bits) {}

  FrameBytes bytes(std::int64_t count) const {
    if (count == 0) return {};
    if (bits_ >= 16) return {count * bits_ / 8, 0};
    const std::int64_t header = quantised_row_bytes(bits_, 0);
    return {quantised_row_bytes(bits_, count) - header, header};
  }

  void write(const Backend& on, std::span<const float> values, StoreId id, const RoundingDraws& draws,
             std::byte* out) const {
    const ConstTensor row(values.data(), 1, std::ssize(values));
    if (bits_ == 32)
      std::memcpy(out, values.data(), values.size_bytes());
    else if (bits_ == 16)
      encode_rows(on, row, DType::bf16, out, {});
    else
      quantise_rows(on, row, {}, std::span(&id, 1), bits_, draws, out);
  }

  void read(const Backend& on, const std::byte* in, std::span<float> values) const {
    const Tensor row(values.data(), 1, std::ssize(values));
    if (bits_ == 32)
      std::memcpy(values.data(), in, values.size_bytes());
    else if (bits_ == 16)
      decode_rows(on, in, DType::bf16, {}, row);
    else
      dequantise_rows(on, in, bits_, row);
  }

 private:
  int bits_;
};

class SupportFrames final : public HaloFrames, public LeavesOut {
 public:
  explicit SupportFrames(int bits) : bits_(bits), elements_(bits) {}

  std::optional<FrameBytes> known_bytes(const HaloFrame&) const override { return {}; }
  std::int64_t most_bytes(const HaloFrame& frame) const override {
    const FrameBytes row = elements_.bytes(frame.cols);
    return frame.rows() * (row.payload + row.header + (frame.cols + 7) / 8);
  }
  double share_of_sparse_rows() const override { return bits_ == 32 ? 0.3 : 0.5; }

  FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override {
    FrameBytes all;
    std::vector<Columns>& supports = packed_[link(frame)];
    if (!frame.pass.backward) supports = note_supports(on, frame, x, out, all);
    const std::vector<Columns>* columns = columns_of(frame, frame.pass.backward ? unpacked_ : packed_);
    std::vector<float> values;
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      values.clear();
      if (columns != nullptr)
        for (const std::int32_t j : (*columns)[static_cast<std::size_t>(i)]) values.push_back(x(i, j));
      else
        values.assign(x.row(i), x.row(i) + x.cols);
      const FrameBytes bytes = elements_.bytes(std::ssize(values));
      if (!values.empty())
        elements_.write(on, values, frame.ids[static_cast<std::size_t>(i)], frame.draws,
                        appended(out, bytes.payload + bytes.header));
      all.payload += bytes.payload;
      all.header += bytes.header;
    }
    return all;
  }

  void unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
              Tensor y) override {
    if (!frame.pass.backward) unpacked_[link(frame)] = read_supports(on, frame, bytes);
    const std::vector<Columns>* columns = columns_of(frame, frame.pass.backward ? packed_ : unpacked_);
    std::vector<float> values;
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      const std::int64_t count =
          columns != nullptr ? std::ssize((*columns)[static_cast<std::size_t>(i)]) : y.cols;
      values.resize(static_cast<std::size_t>(count));
      const FrameBytes size = elements_.bytes(count);
      const auto in = taken(bytes, size.payload + size.header);
      if (count > 0) elements_.read(on, in.data(), values);
      float* row = y.row(i);
      if (columns == nullptr) {
        std::copy(values.begin(), values.end(), row);
        continue;
      }
      std::fill_n(row, y.cols, 0.0f);
      for (std::int64_t k = 0; k < count; ++k)
        row[(*columns)[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)]] =
            values[static_cast<std::size_t>(k)];
    }
  }

  void leave_out(const HaloFrame& frame, Tensor x) const override {
    const std::vector<Columns>* columns = columns_of(frame, frame.pass.backward ? packed_ : unpacked_);
    if (columns == nullptr) return;
    for (std::int64_t i = 0; i < x.rows; ++i) {
      auto kept = (*columns)[static_cast<std::size_t>(i)].begin();
      const auto end = (*columns)[static_cast<std::size_t>(i)].end();
      for (std::int64_t j = 0; j < x.cols; ++j) {
        const bool sent = kept != end && *kept == j;
        if (sent) ++kept;
        if (!sent) x(i, j) = 0;
      }
    }
  }

 private:
  using Link = std::pair<int, int>;  ///< layer, peer
  using Supports = std::map<Link, std::vector<Columns>>;
  static Link link(const HaloFrame& frame) { return {frame.pass.layer, frame.peer.value()}; }

  /// Null where the rows are dense.
  const std::vector<Columns>* columns_of(const HaloFrame& frame, const Supports& supports) const {
    const auto found = supports.find(link(frame));
    if (found == supports.end() || std::ssize(found->second) != frame.rows() ||
        !sparse_.contains(frame.pass.layer))
      return nullptr;
    return &found->second;
  }

  /// Not 0 where dropout keeps the element; empty: everywhere.
  static Matrix mask_of(const Backend& on, const HaloFrame& frame) {
    const ZeroPattern& zeros = *frame.pass.zeros;
    if (zeros.p <= 0) return {};
    Matrix mask(frame.rows(), frame.cols, 1.0f);
    dropout(on, {.p = zeros.p, .key = zeros.key, .step = frame.pass.step, .rows = frame.ids}, mask, 0, mask);
    return mask;
  }

  std::vector<Columns> note_supports(const Backend& on, const HaloFrame& frame, ConstTensor x,
                                     std::vector<std::byte>& out, FrameBytes& all) {
    if (!frame.pass.zeros) return {};
    sparse_.insert(frame.pass.layer);
    const Matrix mask = mask_of(on, frame);
    std::vector<Columns> supports(static_cast<std::size_t>(frame.rows()));
    std::uint8_t byte = 0;
    int filled = 0;
    const std::size_t before = out.size();
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      Columns& columns = supports[static_cast<std::size_t>(i)];
      if (frame.is_sum(i)) {
        columns = all_columns(frame.cols);
        continue;
      }
      for (std::int64_t j = 0; j < frame.cols; ++j) {
        if (mask.size() > 0 && mask(i, j) == 0) continue;
        const bool present = x(i, j) != 0;
        if (present) columns.push_back(static_cast<std::int32_t>(j));
        byte = static_cast<std::uint8_t>(byte | (present ? 1u << filled : 0u));
        if (++filled < 8) continue;
        out.push_back(static_cast<std::byte>(byte));
        byte = 0;
        filled = 0;
      }
    }
    if (filled > 0) out.push_back(static_cast<std::byte>(byte));
    all.header += static_cast<std::int64_t>(out.size() - before);
    return supports;
  }

  std::vector<Columns> read_supports(const Backend& on, const HaloFrame& frame,
                                     std::span<const std::byte>& bytes) {
    if (!frame.pass.zeros) return {};
    sparse_.insert(frame.pass.layer);
    const Matrix mask = mask_of(on, frame);
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < frame.rows(); ++i)
      for (std::int64_t j = 0; j < frame.cols && !frame.is_sum(i); ++j)
        kept += mask.size() == 0 || mask(i, j) != 0 ? 1 : 0;
    const auto bits = taken(bytes, (kept + 7) / 8);
    std::vector<Columns> supports(static_cast<std::size_t>(frame.rows()));
    std::size_t place = 0;
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      if (frame.is_sum(i)) supports[static_cast<std::size_t>(i)] = all_columns(frame.cols);
      for (std::int64_t j = 0; j < frame.cols && !frame.is_sum(i); ++j) {
        if (mask.size() > 0 && mask(i, j) == 0) continue;
        if ((static_cast<unsigned>(bits[place / 8]) >> (place % 8) & 1u) != 0)
          supports[static_cast<std::size_t>(i)].push_back(static_cast<std::int32_t>(j));
        ++place;
      }
    }
    return supports;
  }

  int bits_;
  Elements elements_;
  Supports packed_, unpacked_;  ///< of the forward frames of this step
  std::set<int> sparse_;        ///< layers
};

}  // namespace

std::unique_ptr<HaloEncode> encode_support(int bits) {
  return std::make_unique<FramedEncode<SupportFrames>>(bits);
}

}  // namespace kith::halo
