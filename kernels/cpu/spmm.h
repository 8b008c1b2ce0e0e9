#pragma once
#include <cstdint>
#include <span>

#include "kith/core/tensor.h"
#include "kith/kernels/spmm.h"

namespace kith {

/// Rows of one SpMM call that the vectorised inner loop takes one behind the other.
struct SpmmRun {
  CsrView<std::int32_t> a;
  std::span<const std::int32_t> rows;  ///< the list of rows; empty: all
  std::int64_t begin = 0, end = 0;     ///< positions in the list
  const SpmmScales* scales = nullptr;
  StoredRows x;
  Tensor y;
  bool streams = false;  ///< y is written past the caches where its lines are whole
};

/// The run over rows of bf16, fp16 or int8.
void sum_stored_run(const SpmmRun& run);

}  // namespace kith
