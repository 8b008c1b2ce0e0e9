#include <algorithm>
#include <cstring>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"

// Copies of scattered rows wait for memory, not for the copy: the lines of the row kAhead places further on
// are asked for before a row is copied, into the second cache: a core has few misses of its first in flight.
namespace kith {
namespace {

constexpr std::int64_t kAhead = 32;
constexpr std::int64_t kLineBytes = 64;

std::int64_t rows_per_chunk(std::int64_t row_bytes) {
  return std::clamp<std::int64_t>((1 << 18) / std::max<std::int64_t>(row_bytes, 1), 64, 8192);
}

void prefetch_row(const std::byte* row, std::int64_t bytes) {
  for (std::int64_t b = 0; b < bytes; b += kLineBytes) __builtin_prefetch(row + b, 0, 2);
  __builtin_prefetch(row + bytes - 1, 0, 2);
}

/// Calls body(i) for i in [begin, end), having asked for the row at address(i + kAhead).
template <class Address, class Body>
void with_prefetch(std::int64_t begin, std::int64_t end, std::int64_t bytes, Address&& address, Body&& body) {
  for (std::int64_t i = begin; i < end; ++i) {
    if (i + kAhead < end) prefetch_row(reinterpret_cast<const std::byte*>(address(i + kAhead)), bytes);
    body(i);
  }
}

template <class T>
float decoded(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<float>(value);
}
template <float (*kConvert)(std::uint16_t)>
float decoded_half(const std::byte* at) {
  std::uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return kConvert(bits);
}

template <float (*kDecode)(const std::byte*), std::size_t kSize>
void decode_all(const std::byte* x, std::span<const float> scales, Tensor y) {
  parallel_for(0, y.rows, std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(y.cols, 1)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::byte* from = x + i * y.cols * static_cast<std::int64_t>(kSize);
                   const float scale = scales.empty() ? 1.0f : scales[i];
                   float* to = y.row(i);
                   for (std::int64_t j = 0; j < y.cols; ++j) to[j] = scale * kDecode(from + j * kSize);
                 }
               });
}
template <class T>
void decode_all(const std::byte* x, std::span<const float> scales, Tensor y) {
  decode_all<&decoded<T>, sizeof(T)>(x, scales, y);
}

}  // namespace

void gather_rows(Cpu, ConstTensor x, std::span<const std::int32_t> rows, Tensor out) {
  const std::int64_t bytes = x.cols * static_cast<std::int64_t>(sizeof(float));
  if (bytes == 0) return;
  parallel_for(0, out.rows, rows_per_chunk(bytes), [&](std::int64_t begin, std::int64_t end) {
    with_prefetch(
        begin, end, bytes, [&](std::int64_t i) { return x.row(rows[i]); },
        [&](std::int64_t i) { std::memcpy(out.row(i), x.row(rows[i]), static_cast<std::size_t>(bytes)); });
  });
}

void add_rows(Cpu, ConstTensor x, std::span<const std::int32_t> rows, Tensor y) {
  const std::int64_t bytes = x.cols * static_cast<std::int64_t>(sizeof(float));
  if (bytes == 0) return;
  parallel_for(0, x.rows, rows_per_chunk(bytes), [&](std::int64_t begin, std::int64_t end) {
    with_prefetch(
        begin, end, bytes, [&](std::int64_t i) { return y.row(rows[i]); },
        [&](std::int64_t i) {
          const float* from = x.row(i);
          float* to = y.row(rows[i]);
          for (std::int64_t j = 0; j < x.cols; ++j) to[j] += from[j];
        });
  });
}

void put_rows(Cpu, ConstTensor x, std::span<const std::int32_t> rows, Tensor y) {
  const std::int64_t bytes = x.cols * static_cast<std::int64_t>(sizeof(float));
  if (bytes == 0) return;
  parallel_for(0, x.rows, rows_per_chunk(bytes), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      std::memcpy(y.row(rows[i]), x.row(i), static_cast<std::size_t>(bytes));
  });
}

void gather_bytes(Cpu, const std::byte* x, std::int64_t row_bytes, std::span<const std::int64_t> rows,
                  std::byte* out) {
  if (row_bytes == 0) return;
  const auto count = static_cast<std::int64_t>(rows.size());
  parallel_for(0, count, rows_per_chunk(row_bytes), [&](std::int64_t begin, std::int64_t end) {
    with_prefetch(
        begin, end, row_bytes, [&](std::int64_t i) { return x + rows[i] * row_bytes; },
        [&](std::int64_t i) {
          std::memcpy(out + i * row_bytes, x + rows[i] * row_bytes, static_cast<std::size_t>(row_bytes));
        });
  });
}

void decode_rows(Cpu, const std::byte* x, DType type, std::span<const float> scales, Tensor y) {
  if (scales.empty() && (type == DType::bf16 || type == DType::f16)) return decode_halves(x, type, y);
  switch (type) {
    case DType::f32: return decode_all<float>(x, scales, y);
    case DType::f16: return decode_all<&decoded_half<&float_of_f16>, 2>(x, scales, y);
    case DType::bf16: return decode_all<&decoded_half<&float_of_bf16>, 2>(x, scales, y);
    case DType::f64: return decode_all<double>(x, scales, y);
    case DType::u8:
    case DType::boolean: return decode_all<std::uint8_t>(x, scales, y);
    case DType::i8: return decode_all<std::int8_t>(x, scales, y);
    case DType::i16: return decode_all<std::int16_t>(x, scales, y);
    case DType::u16: return decode_all<std::uint16_t>(x, scales, y);
    case DType::i32: return decode_all<std::int32_t>(x, scales, y);
    case DType::u32: return decode_all<std::uint32_t>(x, scales, y);
    case DType::i64: return decode_all<std::int64_t>(x, scales, y);
    case DType::u64: return decode_all<std::uint64_t>(x, scales, y);
  }
}

}  // namespace kith
