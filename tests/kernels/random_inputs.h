#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/core/tensor.h"
#include "kith/graph/csr.h"
#include "kith/kernels/cpu/targets.h"

// Behind the choice of instruction sets.
#include <hwy/targets.h>

namespace kith::test {

/// A stream of numbers that are the same in every run.
class Random {
 public:
  explicit Random(std::uint32_t seed) : key_{seed, 0x5EED} {}
  std::uint32_t word() { return philox4x32_10({next_++, 0, 0, 0}, key_)[0]; }
  std::int64_t below(std::int64_t bound) { return static_cast<std::int64_t>(word() % bound); }
  /// In [−1, 1).
  float value() { return 2 * unit_float(word()) - 1; }

 private:
  PhiloxKey key_;
  std::uint32_t next_ = 0;
};

inline Matrix random_matrix(std::int64_t rows, std::int64_t cols, std::uint32_t seed) {
  Random random(seed);
  Matrix m(rows, cols);
  for (float& value : m.span()) value = random.value();
  return m;
}

inline std::vector<float> random_values(std::int64_t count, std::uint32_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = random.value();
  return values;
}

/// n × columns with rows of 0 to 12 entries, every fifth row empty, and row `hub` (< 0: none) of
/// `hub_degree`.
inline Csr32 random_csr(std::int64_t n, std::int64_t columns, std::int64_t hub, std::int64_t hub_degree,
                        std::uint32_t seed) {
  Random random(seed);
  Csr32 a;
  a.indptr = Array<std::int64_t>(static_cast<std::size_t>(n) + 1, 0);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t degree = i == hub ? hub_degree : i % 5 == 3 ? 0 : random.below(13);
    a.indptr[i + 1] = a.indptr[i] + degree;
  }
  a.indices = Array<std::int32_t>(static_cast<std::size_t>(a.indptr[n]));
  for (std::int32_t& c : a.indices) c = static_cast<std::int32_t>(random.below(columns));
  return a;
}

/// The transpose by counting, and where each entry stood.
inline TransposedCsr naive_transpose(const Csr32& a, std::int64_t columns) {
  TransposedCsr t;
  t.csr.indptr = Array<std::int64_t>(static_cast<std::size_t>(columns) + 1, 0);
  t.csr.indices = Array<std::int32_t>(static_cast<std::size_t>(a.m()));
  t.edge = Array<std::int64_t>(static_cast<std::size_t>(a.m()));
  for (std::int32_t c : a.indices) ++t.csr.indptr[c + 1];
  for (std::int64_t c = 0; c < columns; ++c) t.csr.indptr[c + 1] += t.csr.indptr[c];
  std::vector<std::int64_t> next(t.csr.indptr.begin(), t.csr.indptr.end());
  for (std::int64_t i = 0; i < a.n(); ++i) {
    for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e) {
      const std::int64_t to = next[static_cast<std::size_t>(a.indices[e])]++;
      t.csr.indices[to] = static_cast<std::int32_t>(i);
      t.edge[to] = e;
    }
  }
  return t;
}

inline bool same_bits(ConstTensor a, ConstTensor b) {
  for (std::int64_t i = 0; i < a.rows; ++i) {
    if (std::memcmp(a.row(i), b.row(i), static_cast<std::size_t>(a.cols) * sizeof(float)) != 0) return false;
  }
  return a.rows == b.rows && a.cols == b.cols;
}

inline double inner_product(ConstTensor a, ConstTensor b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.rows; ++i) {
    for (std::int64_t j = 0; j < a.cols; ++j) sum += static_cast<double>(a(i, j)) * b(i, j);
  }
  return sum;
}

/// Runs the body once for every instruction set that was compiled and that this machine has.
template <class Body>
void for_each_instruction_set(Body&& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(std::string("instruction set ") + hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace kith::test
