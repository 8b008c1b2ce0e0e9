// AdaQP (Wan et al. 2023): rows that lose more by rounding get more bits. A row of range r and d columns,
// rounded stochastically to b bits, has a variance of d r² / (6 (2ᵇ − 1)²) at most; with 0 bits it is not
// sent and loses its square. Bits of 0, 1, 2, 4 or 8 are chosen to lose least with so many bits an element in
// the mean: for a price λ of a byte each row takes what is cheapest, and λ is found by bisection (Everett
// 1963), where AdaQP solves a mixed-integer programme. A frame says each row's bits by a code of 4 bits.
#include <algorithm>
#include <array>
#include <cmath>

#include "kith/exec/halo/frames.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

constexpr std::array<int, 5> kBits{0, 1, 2, 4, 8};

std::int64_t bytes_of(int code, std::int64_t cols) {
  return code == 0 ? 0 : quantised_row_bytes(kBits[static_cast<std::size_t>(code)], cols);
}

/// What a row loses by each code.
using Losses = std::array<double, kBits.size()>;

Losses losses_of(const float* x, std::int64_t cols) {
  const auto [low, high] = std::minmax_element(x, x + cols);
  const double range = static_cast<double>(*high) - *low;
  Losses losses{};
  for (std::int64_t j = 0; j < cols; ++j) losses[0] += static_cast<double>(x[j]) * x[j];
  for (std::size_t code = 1; code < kBits.size(); ++code) {
    const double steps = std::exp2(kBits[code]) - 1;
    losses[code] = static_cast<double>(cols) * range * range / (6 * steps * steps);
  }
  return losses;
}

/// The codes that each row takes at a price; their bytes.
std::int64_t at_price(double price, const std::vector<Losses>& losses, std::int64_t cols,
                      std::vector<int>& codes) {
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    int best = 0;
    const auto cost = [&](int code) {
      return losses[i][static_cast<std::size_t>(code)] + price * static_cast<double>(bytes_of(code, cols));
    };
    for (int code = 1; code < static_cast<int>(kBits.size()); ++code)
      if (cost(code) < cost(best)) best = code;
    codes[i] = best;
    bytes += bytes_of(best, cols);
  }
  return bytes;
}

std::vector<int> chosen_codes(const std::vector<Losses>& losses, std::int64_t cols, double budget) {
  std::vector<int> codes(losses.size());
  double low = 0, high = 1e-30;
  while (high < 1e30 && static_cast<double>(at_price(high, losses, cols, codes)) > budget) high *= 8;
  for (int round = 0; round < 40; ++round) {
    const double middle = (low + high) / 2;
    (static_cast<double>(at_price(middle, losses, cols, codes)) > budget ? low : high) = middle;
  }
  at_price(high, losses, cols, codes);
  return codes;
}

class AdaptiveFrames final : public HaloFrames {
 public:
  explicit AdaptiveFrames(double bits) : bits_(bits) {}

  std::optional<FrameBytes> known_bytes(const HaloFrame&) const override { return {}; }
  std::int64_t most_bytes(const HaloFrame& frame) const override {
    return (frame.rows() + 1) / 2 + frame.rows() * bytes_of(4, frame.cols);
  }

  FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override {
    std::vector<Losses> losses;
    for (std::int64_t i = 0; i < frame.rows(); ++i) losses.push_back(losses_of(x.row(i), x.cols));
    const double budget = bits_ / 8 * static_cast<double>(frame.rows() * frame.cols) +
                          static_cast<double>(frame.rows() * bytes_of(1, 0));
    const std::vector<int> codes = chosen_codes(losses, frame.cols, budget);
    write_codes(codes, out);
    FrameBytes all{0, (frame.rows() + 1) / 2};
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      const int code = codes[static_cast<std::size_t>(i)];
      if (code == 0) continue;
      const std::int64_t bytes = bytes_of(code, frame.cols), header = bytes_of(1, 0);
      quantise_rows(on, x.row_range(i, i + 1), {}, frame.ids.subspan(static_cast<std::size_t>(i), 1),
                    kBits[static_cast<std::size_t>(code)], frame.draws, appended(out, bytes));
      all.payload += bytes - header;
      all.header += header;
    }
    return all;
  }

  void unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
              Tensor y) override {
    const auto codes = taken(bytes, (frame.rows() + 1) / 2);
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      const auto code = static_cast<int>(
          static_cast<unsigned>(codes[static_cast<std::size_t>(i / 2)]) >> (i % 2 * 4) & 15u);
      if (code >= static_cast<int>(kBits.size()))
        throw CorruptError("a halo frame has a row of unknown bits");
      if (code == 0)
        std::fill_n(y.row(i), y.cols, 0.0f);
      else
        dequantise_rows(on, taken(bytes, bytes_of(code, frame.cols)).data(),
                        kBits[static_cast<std::size_t>(code)], y.row_range(i, i + 1));
    }
  }

 private:
  static void write_codes(const std::vector<int>& codes, std::vector<std::byte>& out) {
    std::byte* wire = appended(out, (std::ssize(codes) + 1) / 2);
    std::fill_n(wire, (codes.size() + 1) / 2, std::byte{0});
    for (std::size_t i = 0; i < codes.size(); ++i)
      wire[i / 2] |= static_cast<std::byte>(codes[i] << (i % 2 * 4));
  }

  double bits_;
};

}  // namespace

std::unique_ptr<HaloEncode> encode_adaptive(double bits) {
  return std::make_unique<FramedEncode<AdaptiveFrames>>(bits);
}

}  // namespace kith::halo
