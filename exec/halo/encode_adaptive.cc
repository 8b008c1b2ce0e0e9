// AdaQP (Wan et al. 2023): rows that lose more by rounding get more bits. A row of d columns, rounded
// stochastically in steps of s, has a variance of d s² / 6 in the mean; with 0 bits it is not sent and loses
// its square. Bits of 0, 1, 2, 4 or 8 are chosen to lose least with so many bits an element in the mean or,
// with 32 beside them, to send least at a given loss: for a price λ of a byte each row takes what is
// cheapest, and λ is found by bisection (Everett 1963), where AdaQP solves a mixed-integer programme. A frame
// says each row's bits by a code of 4 bits.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "kith/exec/halo/frames.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

constexpr std::array<int, 6> kBits{0, 1, 2, 4, 8, 32};
constexpr int kWhole = 5;  ///< the code of 32 bits

using Codes = HaloDecisions::Codes;

FrameBytes bytes_of(int code, std::int64_t cols) {
  if (code == 0) return {};
  if (code == kWhole) return {cols * static_cast<std::int64_t>(sizeof(float)), 0};
  const std::int64_t header = quantised_row_bytes(1, 0);
  return {quantised_row_bytes(kBits[static_cast<std::size_t>(code)], cols) - header, header};
}

std::int64_t sum_of(const FrameBytes& bytes) { return bytes.payload + bytes.header; }

/// Of rows by these codes, with the codes.
FrameBytes bytes_with(const Codes& codes, std::int64_t cols) {
  FrameBytes all{0, (std::ssize(codes) + 1) / 2};
  for (const int code : codes) {
    const FrameBytes row = bytes_of(code, cols);
    all.payload += row.payload;
    all.header += row.header;
  }
  return all;
}

/// What a row loses by each code.
using Losses = std::array<double, kBits.size()>;

/// A row that is not finite must not be lost: it says so in any number of bits.
Losses losses_of(const float* x, std::int64_t cols) {
  Losses losses{};
  for (std::int64_t j = 0; j < cols; ++j) losses[0] += static_cast<double>(x[j]) * x[j];
  if (!std::isfinite(losses[0])) return {std::numeric_limits<double>::infinity()};
  const auto [low, high] = std::minmax_element(x, x + cols);
  // The header's bf16 lie outward by a share of 2⁻⁷ at most.
  const double range = (static_cast<double>(*high) - *low + std::abs(*low) * 0x1p-7) * (1 + 0x1p-7);
  for (int code = 1; code < kWhole; ++code) {
    const double step = range / (std::exp2(kBits[static_cast<std::size_t>(code)]) - 1);
    losses[static_cast<std::size_t>(code)] = static_cast<double>(cols) * step * step / 6;
  }
  return losses;
}

/// What rows may take and lose.
struct Budget {
  double bytes = std::numeric_limits<double>::infinity();
  double loss = std::numeric_limits<double>::infinity();
  int codes = kWhole;  ///< the first so many
};

/// The codes of least loss + price · bytes, of each row; what they come to.
struct Choice {
  Codes codes;
  double bytes = 0, loss = 0;
};

Choice at_price(double price, const std::vector<Losses>& losses, std::int64_t cols, int codes) {
  Choice choice;
  for (const Losses& row : losses) {
    int best = 0;
    const auto cost = [&](int code) {
      return row[static_cast<std::size_t>(code)] + price * static_cast<double>(sum_of(bytes_of(code, cols)));
    };
    for (int code = 1; code < codes; ++code)
      if (cost(code) < cost(best)) best = code;
    choice.codes.push_back(static_cast<std::uint8_t>(best));
    choice.bytes += static_cast<double>(sum_of(bytes_of(best, cols)));
    choice.loss += row[static_cast<std::size_t>(best)];
  }
  return choice;
}

/// Of a budget of bytes the least price that keeps it, of one of losses the largest.
Codes chosen_codes(const std::vector<Losses>& losses, std::int64_t cols, const Budget& budget) {
  const bool of_bytes = std::isfinite(budget.bytes);
  const auto too_cheap = [&](double price) {
    const Choice choice = at_price(price, losses, cols, budget.codes);
    return of_bytes ? choice.bytes > budget.bytes : choice.loss <= budget.loss;
  };
  double low = 0, high = 1e-30;
  while (high < 1e30 && too_cheap(high)) {
    low = high;
    high *= 8;
  }
  for (int round = 0; round < 40; ++round) {
    const double middle = (low + high) / 2;
    (too_cheap(middle) ? low : high) = middle;
  }
  return at_price(of_bytes ? high : low, losses, cols, budget.codes).codes;
}

class AdaptiveFrames final : public HaloFrames {
 public:
  /// An error of 0 or more is a budget of losses, otherwise `bits` is one of bytes.
  AdaptiveFrames(double bits, double error) : bits_(bits), error_(error) {}

  bool decides() const override { return true; }
  std::optional<FrameBytes> known_bytes(const HaloFrame& frame) const override {
    const auto codes = followed(frame, Decided::bits);
    return codes ? std::optional(bytes_with(*codes, frame.cols)) : std::nullopt;
  }
  std::int64_t most_bytes(const HaloFrame& frame) const override {
    return (frame.rows() + 1) / 2 +
           frame.rows() * std::max(sum_of(bytes_of(kWhole, frame.cols)), sum_of(bytes_of(4, frame.cols)));
  }

  FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override {
    const Codes codes = settled(frame, Decided::bits, [&] { return decided(frame, x); });
    write_codes(codes, out);
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      const int code = codes[static_cast<std::size_t>(i)];
      if (code == 0) continue;
      std::byte* row = appended(out, sum_of(bytes_of(code, frame.cols)));
      if (code == kWhole)
        std::memcpy(row, x.row(i), static_cast<std::size_t>(frame.cols) * sizeof(float));
      else
        quantise_rows(on, x.row_range(i, i + 1), {}, frame.ids.subspan(static_cast<std::size_t>(i), 1),
                      kBits[static_cast<std::size_t>(code)], frame.draws, row);
    }
    return bytes_with(codes, frame.cols);
  }

  void unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
              Tensor y) override {
    const auto codes = taken(bytes, (frame.rows() + 1) / 2);
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      const auto code = static_cast<int>(
          static_cast<unsigned>(codes[static_cast<std::size_t>(i / 2)]) >> (i % 2 * 4) & 15u);
      if (code >= static_cast<int>(kBits.size()))
        throw CorruptError("a halo frame has a row of unknown bits");
      const auto row = taken(bytes, sum_of(bytes_of(code, frame.cols)));
      if (code == 0)
        std::fill_n(y.row(i), y.cols, 0.0f);
      else if (code == kWhole)
        std::memcpy(y.row(i), row.data(), row.size());
      else
        dequantise_rows(on, row.data(), kBits[static_cast<std::size_t>(code)], y.row_range(i, i + 1));
    }
  }

 private:
  Codes decided(const HaloFrame& frame, ConstTensor x) const {
    std::vector<Losses> losses;
    for (std::int64_t i = 0; i < frame.rows(); ++i) losses.push_back(losses_of(x.row(i), x.cols));
    if (error_ < 0) {
      const double elements = static_cast<double>(frame.rows() * frame.cols);
      const double headers = static_cast<double>(frame.rows() * quantised_row_bytes(1, 0));
      return chosen_codes(losses, frame.cols, {.bytes = bits_ / 8 * elements + headers});
    }
    double squares = 0;
    for (const Losses& row : losses)
      if (std::isfinite(row[0])) squares += row[0];
    return chosen_codes(losses, frame.cols, {.loss = error_ * error_ * squares, .codes = kWhole + 1});
  }

  static void write_codes(const Codes& codes, std::vector<std::byte>& out) {
    std::byte* wire = appended(out, (std::ssize(codes) + 1) / 2);
    std::fill_n(wire, (codes.size() + 1) / 2, std::byte{0});
    for (std::size_t i = 0; i < codes.size(); ++i)
      wire[i / 2] |= static_cast<std::byte>(unsigned{codes[i]} << (i % 2 * 4));
  }

  double bits_, error_;
};

}  // namespace

std::unique_ptr<HaloEncode> encode_adaptive(double bits, double error) {
  return std::make_unique<FramedEncode<AdaptiveFrames>>(bits, error);
}

}  // namespace kith::halo
