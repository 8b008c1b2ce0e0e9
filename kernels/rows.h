#pragma once
#include <cstdint>
#include <span>

#include "kith/core/dtype.h"
#include "kith/core/tensor.h"
#include "kith/kernels/backend.h"

namespace kith {

/// out[i] = x[rows[i]]: packs rows for a wire or a batch. [count, d]
void gather_rows(const Backend& on, ConstTensor x, std::span<const std::int32_t> rows, Tensor out);
/// y[rows[i]] += x[i], rows distinct: adds arrived gradient rows.
void add_rows(const Backend& on, ConstTensor x, std::span<const std::int32_t> rows, Tensor y);
/// y[rows[i]] = x[i], rows distinct.
void put_rows(const Backend& on, ConstTensor x, std::span<const std::int32_t> rows, Tensor y);
/// Opaque rows of `row_bytes`: out row i = x row rows[i].
void gather_bytes(const Backend& on, const std::byte* x, std::int64_t row_bytes,
                  std::span<const std::int64_t> rows, std::byte* out);
/// y = x as fp32 of [rows, cols] packed elements of a stored type; scales [rows] for int8, else empty.
void decode_rows(const Backend& on, const std::byte* x, DType type, std::span<const float> scales, Tensor y);
/// The reverse of decode_rows for bf16, fp16 (both to the nearest, ties to even) and int8, whose scales
/// [rows] it makes: the largest element of a row is 127 times its scale.
void encode_rows(const Backend& on, ConstTensor x, DType type, std::byte* out, std::span<float> scales);

/// The same of the rows `rows` of a matrix on the host, to bf16 or fp16.
void encode_chosen_rows(ConstTensor x, std::span<const std::int32_t> rows, DType type, std::byte* out);

}  // namespace kith
