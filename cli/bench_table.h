#pragma once
#include <cstddef>
#include <string>

#include "kith/core/array.h"
#include "kith/core/settings.h"
#include "kith/core/tensor.h"
#include "kith/kernels/spmm.h"

namespace kith::cli {

/// The features [rows, cols] that `--table` names, or random ones in [0, 1). Throws InputError where the file
/// is not an fp32 array of this shape.
Matrix table_values(const Settings& settings, std::int64_t rows, std::int64_t cols);

/// The type behind a value of `--dtype`.
DType stored_type(const std::string& name);

/// Features as they are stored: fp32, or narrowed as the store would.
class BenchTable {
 public:
  BenchTable(Matrix values, DType type);
  const Matrix& values() const { return values_; }  ///< fp32
  const StoredRows& rows() const { return rows_; }

 private:
  Matrix values_;
  Array<std::byte> narrow_;
  Array<float> scales_;
  StoredRows rows_;
};

}  // namespace kith::cli
