#pragma once
#include <string_view>

#include "kith/kernels/backend.h"

namespace kith {

/// In what a GPU multiplies dense matrices whose elements are fp32: as they are, or rounded to tf32 (10 bits
/// of mantissa) or bf16 (7) on the way into its tensor cores. Sums are fp32 always.
enum class ProductPrecision { fp32, tf32, bf16 };
std::string_view name_of(ProductPrecision precision);

/// From now on, for every product of this process on a GPU. Throws InputError for another than fp32 on a CPU
/// and where the host has no cuBLASLt: Kith's own kernels know fp32 alone.
void set_product_precision(const Backend& on, ProductPrecision precision);

}  // namespace kith
