#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "kith/core/array.h"
#include "kith/core/tensor.h"
#include "kith/kernels/dense.h"

namespace kith {

/// A matrix whose element (i, l) is data[i · row_step + l · sum_step]: a factor as it stands or transposed.
struct StridedFactor {
  const float* data = nullptr;
  std::int64_t row_step = 0, sum_step = 0;
};

/// c = beta · c + a · panel (+ bias), what one panel adds to its columns of c.
struct PanelProduct {
  StridedFactor a;
  const float* panel = nullptr;
  std::int64_t panel_step = 0;  ///< from row to row; 0: they are packed
  std::int64_t k = 0;
  float beta = 0;
  Tensor c{};                   ///< at most as wide as the panel
  const float* bias = nullptr;  ///< of the panel's columns, or null
  /// What is read soon, and asked for meanwhile: a tile of c asks for a line of every row, the first for
  /// number `line`.
  std::array<ConstTensor, 2> soon{};
  std::int64_t line = 0;
};

/// The factor b [k, n] of a product in the order in which it is read: panels of a few vectors of columns, row
/// behind row, the last padded with zeros; k is cut into pieces that a panel of fits the second cache.
class Panels {
 public:
  /// Whether products of panels beat the BLAS with this machine's instructions.
  static bool pay();
  /// Rows of c that one call of `multiply` does best: whole tiles, whose stretch of `a` stays in the second
  /// cache.
  static constexpr std::int64_t kRows = 144;

  Panels() = default;
  /// Packs op(b), in parallel.
  Panels(Trans trans_b, ConstTensor b);
  /// c = beta · c + Σ_l a(i, l) b(l, j) (+ bias[j]) for the rows of c, by one thread.
  void multiply(StridedFactor a, float beta, Tensor c, std::span<const float> bias = {}) const;

 private:
  Array<float> values_;
  std::int64_t k_ = 0, n_ = 0;
};

/// Whether `transposed_panels` beats the BLAS for a b of so many columns: whole vectors of this machine.
bool transposed_panels_pay(std::int64_t columns);
/// c = beta · c + aᵀ b, by one thread; b's rows are panels as they stand.
void transposed_panels(ConstTensor a, ConstTensor b, float beta, Tensor c);

}  // namespace kith
