#include "kith/cli/bench_table.h"

#include <algorithm>
#include <utility>

#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/datasets/npy_file.h"
#include "kith/kernels/rows.h"

namespace kith::cli {
namespace {

Matrix random_values(std::int64_t rows, std::int64_t cols) {
  Matrix x(rows, cols);
  parallel_for(0, rows, 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const PhiloxWords words = draw_words({1, 2}, StoreId(i), 0, 0);
      for (std::int64_t j = 0; j < cols; ++j) x(i, j) = static_cast<float>(words[j % 4] % 1024) / 1024;
    }
  });
  return x;
}

}  // namespace

Matrix table_values(const Settings& settings, std::int64_t rows, std::int64_t cols) {
  if (!settings.has_value("table")) return random_values(rows, cols);
  const NpyFile file(settings.text("table"));
  file.view().expect_shape({rows, cols});
  const std::span<const float> values = file.view().values<float>();
  Matrix x(rows, cols);
  std::copy(values.begin(), values.end(), x.span().begin());
  return x;
}

DType stored_type(const std::string& name) {
  for (const DType type : {DType::bf16, DType::f16, DType::i8})
    if (name == name_of(type)) return type;
  return DType::f32;
}

BenchTable::BenchTable(Matrix values, DType type) : values_(std::move(values)), rows_(values_.view()) {
  if (type == DType::f32) return;
  narrow_ = Array<std::byte>(static_cast<std::size_t>(values_.size()) * size_of(type));
  if (type == DType::i8) scales_ = Array<float>(static_cast<std::size_t>(values_.rows()));
  encode_rows(Cpu{}, values_, type, narrow_.data(), scales_.span());
  rows_ = StoredRows(narrow_.data(), type, values_.rows(), values_.cols(), scales_.span());
}

}  // namespace kith::cli
