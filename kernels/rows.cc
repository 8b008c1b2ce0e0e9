#include "kith/kernels/rows.h"

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/row_parts.h"

namespace kith {

void gather_rows(const Backend& on, ConstTensor x, std::span<const std::int32_t> rows, Tensor out) {
  require(out.cols == x.cols && out.rows == static_cast<std::int64_t>(rows.size()),
          "gather_rows: out holds [count, x.cols]",
          {{"rows", rows.size()}, {"x.cols", x.cols}, {"out.rows", out.rows}, {"out.cols", out.cols}});
  dispatch([&](auto backend) { gather_rows(backend, x, rows, out); }, on);
}

void add_rows(const Backend& on, ConstTensor x, std::span<const std::int32_t> rows, Tensor y) {
  require(y.cols == x.cols && x.rows == static_cast<std::int64_t>(rows.size()),
          "add_rows: x holds [count, y.cols]",
          {{"rows", rows.size()}, {"y.cols", y.cols}, {"x.rows", x.rows}, {"x.cols", x.cols}});
  dispatch([&](auto backend) { add_rows(backend, x, rows, y); }, on);
}

void put_rows(const Backend& on, ConstTensor x, std::span<const std::int32_t> rows, Tensor y) {
  require(y.cols == x.cols && x.rows == static_cast<std::int64_t>(rows.size()),
          "put_rows: x holds [count, y.cols]",
          {{"rows", rows.size()}, {"y.cols", y.cols}, {"x.rows", x.rows}, {"x.cols", x.cols}});
  dispatch([&](auto backend) { put_rows(backend, x, rows, y); }, on);
}

void gather_bytes(const Backend& on, const std::byte* x, std::int64_t row_bytes,
                  std::span<const std::int64_t> rows, std::byte* out) {
  require(row_bytes >= 0, "gather_bytes: a row has bytes", {{"row_bytes", row_bytes}});
  dispatch([&](auto backend) { gather_bytes(backend, x, row_bytes, rows, out); }, on);
}

void encode_rows(const Backend& on, ConstTensor x, DType type, std::byte* out, std::span<float> scales) {
  require(type == DType::bf16 || type == DType::f16 || type == DType::i8,
          "encode_rows: rows become bf16, fp16 or int8", {{"type", name_of(type)}});
  require(std::ssize(scales) == (type == DType::i8 ? x.rows : 0), "encode_rows: int8 rows have a scale each",
          {{"scales", scales.size()}, {"rows", x.rows}});
  dispatch([&](auto backend) { encode_rows(backend, x, type, out, scales); }, on);
}

void decode_rows(const Backend& on, const std::byte* x, DType type, std::span<const float> scales, Tensor y) {
  require(scales.empty() || static_cast<std::int64_t>(scales.size()) == y.rows,
          "decode_rows: there is one scale a row", {{"scales", scales.size()}, {"rows", y.rows}});
  over_rows(on, {writes(y)}, [&](const RowPart& part) {
    const std::byte* from = x + part.begin() * y.cols * static_cast<std::int64_t>(size_of(type));
    dispatch([&](auto backend) { decode_rows(backend, from, type, part(scales), part(y)); }, on);
  });
}

}  // namespace kith
