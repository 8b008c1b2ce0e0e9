#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "kith/core/ids.h"
#include "kith/core/philox.h"
#include "kith/core/tensor.h"
#include "kith/kernels/backend.h"

namespace kith {

/// Rows as integers of b = 8, 4, 2 or 1 bits between the least and the largest element of each: x ≈ low +
/// step · q. On the wire a row is low and step as bf16, low rounded down and step up so that the range holds
/// every element, and ⌈cols · b / 8⌉ bytes of q, element 0 in the lowest bits. A NaN or an infinity makes its
/// whole row NaN. Alistarh et al. 2017 (QSGD) with a range of each row, as AdaQP (Wan et al. 2023) has it.
std::int64_t quantised_row_bytes(int bits, std::int64_t cols);

/// q = ⌊(x − low) / step + u⌋, u = (byte + r) / 256: with u uniform in [0, 1) the decoded element is x in the
/// mean, to 2⁻¹⁷ steps. Draws are keyed by the row's node and the step: the byte of element j is byte j % 16
/// of draw ⌊j / 16⌋, and r the upper 24 bits of the first word of draw kSharedDraw, one for the row. So two
/// elements' roundings have a covariance of at most 2⁻¹⁸ steps², where one would be 2⁻² alone.
struct RoundingDraws {
  PhiloxKey key;
  std::uint32_t step = 0;
};
inline constexpr std::uint32_t kSharedDraw = 0xFFFFFFFF;

/// out = the quantised rows `rows` of x, or all of x in order when `rows` is empty; ids [x.rows] are the
/// nodes.
void quantise_rows(const Backend& on, ConstTensor x, std::span<const std::int32_t> rows,
                   std::span<const StoreId> ids, int bits, const RoundingDraws& draws, std::byte* out);
/// The same wire, of x's rows in order, to the nearest of 2ᵇ levels that are fitted to the row by least
/// squares, so that what is lost is never longer than what the row varies by about its mean. Deterministic,
/// not unbiased.
void quantise_rows_to_nearest(const Backend& on, ConstTensor x, int bits, std::byte* out);
/// y = the rows behind `wire`.
void dequantise_rows(const Backend& on, const std::byte* wire, int bits, Tensor y);

}  // namespace kith
