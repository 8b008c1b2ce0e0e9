#include "kith/kernels/quantise.h"

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {
namespace {

void require_bits(int bits) {
  require(bits == 8 || bits == 4 || bits == 2 || bits == 1,
          "quantised rows have 8, 4, 2 or 1 bits an element", {{"bits", bits}});
}

}  // namespace

std::int64_t quantised_row_bytes(int bits, std::int64_t cols) {
  require_bits(bits);
  constexpr std::int64_t kHeader = 2 * sizeof(std::uint16_t);
  return kHeader + (cols * bits + 7) / 8;
}

void quantise_rows(const Backend& on, ConstTensor x, std::span<const std::int32_t> rows,
                   std::span<const StoreId> ids, int bits, const RoundingDraws& draws, std::byte* out) {
  require_bits(bits);
  require(std::ssize(ids) == x.rows, "quantise_rows: every row has a node",
          {{"ids", ids.size()}, {"rows", x.rows}});
  dispatch([&](auto backend) { quantise_rows(backend, x, rows, ids, bits, draws, out); }, on);
}

void quantise_rows_to_nearest(const Backend& on, ConstTensor x, int bits, std::byte* out) {
  require_bits(bits);
  dispatch([&](auto backend) { quantise_rows_to_nearest(backend, x, bits, out); }, on);
}

void dequantise_rows(const Backend& on, const std::byte* wire, int bits, Tensor y) {
  require_bits(bits);
  dispatch([&](auto backend) { dequantise_rows(backend, wire, bits, y); }, on);
}

}  // namespace kith
