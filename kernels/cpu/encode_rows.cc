#include <algorithm>
#include <cmath>
#include <cstring>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"

namespace kith {
namespace {

/// The value is counted in steps of the last bit that fp16 has at its size; a count that rounds up to the
/// next power of two carries into the exponent by itself.
std::uint16_t f16_of_float(float value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const float magnitude = std::abs(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00);
  if (magnitude == 0) return sign;
  if (magnitude >= 65520.0f) return static_cast<std::uint16_t>(sign | 0x7c00);
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  // 11 bits of precision from 2^-14 on, below a fixed step of 2^-24.
  const int step = std::max(exponent, -13) - 11;
  const auto steps = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, -step)));
  const auto base = static_cast<std::uint32_t>(step + 24) << 10;
  return static_cast<std::uint16_t>(sign | (base + steps));
}

void encode_bytes(const float* x, std::int64_t count, std::int8_t* out, float& scale) {
  float largest = 0;
  for (std::int64_t j = 0; j < count; ++j) largest = std::max(largest, std::abs(x[j]));
  scale = largest / 127;
  const float factor = largest == 0 ? 0.0f : 127 / largest;
  for (std::int64_t j = 0; j < count; ++j) out[j] = static_cast<std::int8_t>(std::nearbyint(x[j] * factor));
}

}  // namespace

void encode_rows(Cpu, ConstTensor x, DType type, std::byte* out, std::span<float> scales) {
  const auto row_bytes = x.cols * static_cast<std::int64_t>(size_of(type));
  const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(x.cols, 1));
  parallel_for(0, x.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::byte* to = out + i * row_bytes;
      if (type == DType::i8) {
        encode_bytes(x.row(i), x.cols, reinterpret_cast<std::int8_t*>(to), scales[i]);
        continue;
      }
      auto* halves = reinterpret_cast<std::uint16_t*>(to);
      for (std::int64_t j = 0; j < x.cols; ++j)
        halves[j] = type == DType::bf16 ? bf16_of_float(x(i, j)) : f16_of_float(x(i, j));
    }
  });
}

}  // namespace kith
