// Rows that are gathered, added, encoded and decoded.
#include "kith/kernels/cpu/quantise.h"
#include "kith/kernels/cuda/elements.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {

using cuda::over_elements;
using cuda::over_warps;
using cuda::Staging;

namespace {

using Index = std::int64_t;

template <class T, class Value>
void decode(Staging& call, const std::byte* x, const float* scales, Tensor y, Value value) {
  const auto* from = reinterpret_cast<const T*>(x);
  const auto to = call.write(y);
  const Index cols = y.cols;
  over_elements(call, y.rows, cols, [=] __device__(Index i, Index j) {
    to.row(i)[j] = (scales == nullptr ? 1.0f : scales[i]) * value(from[i * cols + j]);
  });
  call.finish();
}
template <class T>
void decode(Staging& call, const std::byte* x, const float* scales, Tensor y) {
  decode<T>(call, x, scales, y, [] __device__(T v) { return static_cast<float>(v); });
}

/// Twice the largest power of two a copy may take at once.
template <class T>
void gather(Staging& call, const std::byte* x, Index row_bytes, const Index* rows, Index count,
            std::byte* out) {
  const Index each = row_bytes / static_cast<Index>(sizeof(T));
  const auto* from = reinterpret_cast<const T*>(x);
  auto* to = reinterpret_cast<T*>(out);
  over_elements(call, count, each,
                [=] __device__(Index i, Index j) { to[i * each + j] = from[rows[i] * each + j]; });
}

std::span<const std::byte> bytes_of(const std::byte* data, Index bytes) {
  return {data, static_cast<std::size_t>(bytes)};
}
std::span<std::byte> bytes_of(std::byte* data, Index bytes) {
  return {data, static_cast<std::size_t>(bytes)};
}

/// One past the last of the rows that are asked for lies somewhere in x, whose length nobody tells.
Index rows_behind(std::span<const Index> rows) {
  Index last = -1;
  for (const Index row : rows) last = row > last ? row : last;
  return last + 1;
}

}  // namespace

void gather_rows(Cuda on, ConstTensor x, std::span<const std::int32_t> rows, Tensor out) {
  Staging call(on, "gather_rows", {{"rows", rows.size()}, {"cols", x.cols}});
  const auto from = call.read_some(x, out.rows);
  const std::int32_t* list = call.read(rows);
  const auto to = call.write(out);
  over_elements(call, out.rows, out.cols,
                [=] __device__(Index i, Index j) { to.row(i)[j] = from.row(list[i])[j]; });
  call.finish();
}

void add_rows(Cuda on, ConstTensor x, std::span<const std::int32_t> rows, Tensor y) {
  Staging call(on, "add_rows", {{"rows", rows.size()}, {"cols", x.cols}});
  const auto from = call.read(x);
  const std::int32_t* list = call.read(rows);
  const auto to = call.update_some(y, x.rows);
  over_elements(call, x.rows, x.cols,
                [=] __device__(Index i, Index j) { to.row(list[i])[j] += from.row(i)[j]; });
  call.finish();
}

void put_rows(Cuda on, ConstTensor x, std::span<const std::int32_t> rows, Tensor y) {
  Staging call(on, "put_rows", {{"rows", rows.size()}, {"cols", x.cols}});
  const auto from = call.read(x);
  const std::int32_t* list = call.read(rows);
  const auto to = call.update(y);
  over_elements(call, x.rows, x.cols,
                [=] __device__(Index i, Index j) { to.row(list[i])[j] = from.row(i)[j]; });
  call.finish();
}

void gather_bytes(Cuda on, const std::byte* x, Index row_bytes, std::span<const Index> rows, std::byte* out) {
  const Index count = std::ssize(rows);
  if (row_bytes == 0 || count == 0) return;
  Staging call(on, "gather_bytes", {{"rows", count}, {"bytes", row_bytes}});
  const bool placed = on.device->holds(x);
  const std::byte* from = placed ? x : call.read(bytes_of(x, rows_behind(rows) * row_bytes));
  const Index* list = call.read(rows);
  std::byte* to = call.write(bytes_of(out, count * row_bytes));
  const auto address = reinterpret_cast<std::uintptr_t>(from) | reinterpret_cast<std::uintptr_t>(to) |
                       static_cast<std::uintptr_t>(row_bytes);
  if (address % 16 == 0)
    gather<uint4>(call, from, row_bytes, list, count, to);
  else if (address % 4 == 0)
    gather<std::uint32_t>(call, from, row_bytes, list, count, to);
  else
    gather<std::uint8_t>(call, from, row_bytes, list, count, to);
  call.finish();
}

void decode_rows(Cuda on, const std::byte* x, DType type, std::span<const float> scales, Tensor y) {
  Staging call(on, "decode_rows", {{"rows", y.rows}, {"cols", y.cols}, {"type", name_of(type)}});
  const std::byte* from = call.read(bytes_of(x, y.size() * static_cast<Index>(size_of(type))));
  const float* factors = call.read(scales);
  switch (type) {
    case DType::f32: return decode<float>(call, from, factors, y);
    case DType::f16:
      return decode<std::uint16_t>(call, from, factors, y,
                                   [] __device__(std::uint16_t v) { return float_of_f16(v); });
    case DType::bf16:
      return decode<std::uint16_t>(call, from, factors, y,
                                   [] __device__(std::uint16_t v) { return float_of_bf16(v); });
    case DType::f64: return decode<double>(call, from, factors, y);
    case DType::u8:
    case DType::boolean: return decode<std::uint8_t>(call, from, factors, y);
    case DType::i8: return decode<std::int8_t>(call, from, factors, y);
    case DType::i16: return decode<std::int16_t>(call, from, factors, y);
    case DType::u16: return decode<std::uint16_t>(call, from, factors, y);
    case DType::i32: return decode<std::int32_t>(call, from, factors, y);
    case DType::u32: return decode<std::uint32_t>(call, from, factors, y);
    case DType::i64: return decode<std::int64_t>(call, from, factors, y);
    case DType::u64: return decode<std::uint64_t>(call, from, factors, y);
  }
}

void encode_rows(Cuda on, ConstTensor x, DType type, std::byte* out, std::span<float> scales) {
  Staging call(on, "encode_rows", {{"rows", x.rows}, {"cols", x.cols}, {"type", name_of(type)}});
  const auto from = call.read(x);
  const Index cols = x.cols;
  std::byte* wire = call.write(bytes_of(out, x.size() * static_cast<Index>(size_of(type))));
  if (type == DType::i8) {
    auto* to = reinterpret_cast<std::int8_t*>(wire);
    float* factors = call.write(scales);
    over_warps(call, x.rows, [=] __device__(Index i, int lane) {
      const float* row = from.row(i);
      float largest = 0;
      for (Index j = lane; j < cols; j += 32) largest = fmaxf(largest, fabsf(row[j]));
      largest = cuda::group_maximum(largest, 32, 0xffffffffu);
      const float factor = largest == 0 ? 0.0f : 127 / largest;
      if (lane == 0) factors[i] = largest / 127;
      for (Index j = lane; j < cols; j += 32)
        to[i * cols + j] = static_cast<std::int8_t>(nearbyintf(row[j] * factor));
    });
  } else {
    auto* to = reinterpret_cast<std::uint16_t*>(wire);
    const bool brain = type == DType::bf16;
    over_elements(call, x.rows, cols, [=] __device__(Index i, Index j) {
      const float v = from.row(i)[j];
      to[i * cols + j] = brain ? bf16_of_float(v) : f16_of_float(v);
    });
  }
  call.finish();
}

void quantise_rows(Cuda on, ConstTensor x, std::span<const std::int32_t> rows, std::span<const StoreId> ids,
                   int bits, const RoundingDraws& draws, std::byte* out) {
  const Index count = rows.empty() ? x.rows : std::ssize(rows), cols = x.cols;
  if (cols == 0 || count == 0) return;
  Staging call(on, "quantise_rows", {{"rows", count}, {"cols", cols}, {"bits", bits}});
  const Index row_bytes = quantised_row_bytes(bits, cols);
  const auto from = call.read(x);
  const std::int32_t* list = call.read(rows);
  const StoreId* nodes = call.read(ids);
  std::byte* to = call.write(bytes_of(out, count * row_bytes));
  const PhiloxKey key = draws.key;
  const std::uint32_t step_number = draws.step;
  over_warps(call, count, [=] __device__(Index i, int lane) {
    const Index row = list == nullptr ? i : list[i];
    const float* values = from.row(row);
    constexpr unsigned kAll = 0xffffffffu;
    float low = INFINITY, high = -INFINITY, odd = 0;
    for (Index j = lane; j < cols; j += 32) {
      low = fminf(low, values[j]);
      high = fmaxf(high, values[j]);
      // 0 · x is NaN for what is not finite, and stays so in a sum.
      odd += 0 * values[j];
    }
    low = -cuda::group_maximum(-low, 32, kAll);
    high = cuda::group_maximum(high, 32, kAll);
    odd = cuda::group_sum(odd, 32, kAll);
    // Of two zeros either may be the least or the largest; −0 + 0 is 0.
    low += 0.0f;
    high += 0.0f;
    const auto most = static_cast<float>((1 << bits) - 1);
    const QuantisedHeader header =
        odd != odd ? QuantisedHeader{0, 0x7fc0} : quantised_header(low, high, most);
    auto* bytes = reinterpret_cast<std::uint8_t*>(to + i * row_bytes);
    if (lane < 4) {
      const std::uint16_t half = lane < 2 ? header.low : header.step;
      bytes[lane] = static_cast<std::uint8_t>(half >> (8 * (lane % 2)));
    }
    const float least = float_of_bf16(header.low), step = float_of_bf16(header.step);
    // Places in 256ths of a step, as kernels/cpu/quantise.cc has them.
    const float quotient = step > 0 ? 256 / step : 0;
    // Of a step too small to divide by, everything is the least level.
    const float inverse = quotient - quotient == 0 ? quotient : 0.0f;
    const auto share = static_cast<float>(
        cuda::drawn_word(key, nodes[row], step_number, 4 * std::uint64_t{kSharedDraw}) >> 8);
    const auto limit = static_cast<unsigned>(most) * 256 + 255;
    const bool finite = step - step == 0;
    const int each = 8 / bits;
    for (Index at = lane; at < row_bytes - 4; at += 32) {
      unsigned byte = 0;
      for (int k = 0; k < each; ++k) {
        const Index j = at * each + k;
        if (j >= cols) break;
        const std::uint32_t word =
            cuda::drawn_word(key, nodes[row], step_number, static_cast<std::uint64_t>(j / 4));
        const unsigned drawn = word >> (j % 4 * 8) & 0xffu;
        const float place = __fmul_rn(values[j] - least, inverse);
        const auto part = finite ? static_cast<unsigned>(fmaf(share, 0x1p-24f, place)) : 0u;
        const unsigned sum = part + drawn < limit ? part + drawn : limit;
        byte |= (finite ? sum >> 8 : 0u) << (k * bits);
      }
      bytes[4 + at] = static_cast<std::uint8_t>(byte);
    }
  });
  call.finish();
}

void dequantise_rows(Cuda on, const std::byte* wire, int bits, Tensor y) {
  if (y.cols == 0 || y.rows == 0) return;
  Staging call(on, "dequantise_rows", {{"rows", y.rows}, {"cols", y.cols}, {"bits", bits}});
  const Index row_bytes = quantised_row_bytes(bits, y.cols);
  const auto* from = reinterpret_cast<const std::uint8_t*>(call.read(bytes_of(wire, y.rows * row_bytes)));
  const auto to = call.write(y);
  const int each = 8 / bits;
  over_elements(call, y.rows, y.cols, [=] __device__(Index i, Index j) {
    const std::uint8_t* row = from + i * row_bytes;
    const float low = float_of_bf16(static_cast<std::uint16_t>(row[0] | row[1] << 8));
    const float step = float_of_bf16(static_cast<std::uint16_t>(row[2] | row[3] << 8));
    const unsigned q = row[4 + j / each] >> (j % each * bits) & ((1u << bits) - 1);
    to.row(i)[j] = fmaf(static_cast<float>(q), step, low);
  });
  call.finish();
}

void row_maximum(Cuda on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, ConstTensor x,
                 Tensor y, std::span<std::int32_t> slots) {
  const Index count = rows.empty() ? a.n() : std::ssize(rows), cols = x.cols;
  Staging call(on, "row_maximum", {{"rows", count}, {"m", a.m()}, {"cols", cols}});
  const std::int64_t* indptr = call.read(a.indptr);
  const std::int32_t *indices = call.read(a.indices), *list = call.read(rows);
  const auto from = call.read(x);
  const auto to = call.update(y);
  std::int32_t* chosen = call.update(slots);
  // Threads that stand together take columns that stand together.
  over_elements(call, count, cols, [=] __device__(Index position, Index j) {
    const Index i = list == nullptr ? position : list[position];
    float largest = 0;
    std::int32_t slot = -1;
    for (Index e = indptr[i]; e < indptr[i + 1]; ++e) {
      const float value = from.row(__ldg(indices + e))[j];
      if (slot >= 0 && !(value > largest)) continue;
      largest = value;
      slot = static_cast<std::int32_t>(e - indptr[i]);
    }
    to.row(i)[j] = largest;
    chosen[i * cols + j] = slot;
  });
  call.finish();
}

void row_maximum_backward(Cuda on, CsrView<std::int32_t> a, const TransposedCsr& t,
                          std::span<const std::int32_t> slots, ConstTensor dy, float beta, Tensor dx) {
  const Index cols = dy.cols;
  Staging call(on, "row_maximum_backward", {{"columns", t.csr.n()}, {"m", a.m()}, {"cols", cols}});
  const std::int64_t *indptr = call.read(a.indptr), *starts = call.read(t.csr.indptr.span());
  const std::int64_t* edge = call.read(t.edge.span());
  const std::int32_t *indices = call.read(t.csr.indices.span()), *chosen = call.read(slots);
  const auto from = call.read(dy);
  const auto to = beta == 0 ? call.write(dx) : call.update(dx);
  over_elements(call, t.csr.n(), cols, [=] __device__(Index c, Index j) {
    float& out = to.row(c)[j];
    float sum = cuda::scaled(beta, out);
    for (Index e = starts[c]; e < starts[c + 1]; ++e) {
      const Index i = __ldg(indices + e);
      const auto slot = static_cast<std::int32_t>(__ldg(edge + e) - __ldg(indptr + i));
      if (__ldg(chosen + i * cols + j) == slot) sum += from.row(i)[j];
    }
    out = sum;
  });
  call.finish();
}

}  // namespace kith
