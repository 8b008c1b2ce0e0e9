#pragma once
#include <algorithm>

#include "kith/core/philox.h"
#include "kith/core/tensor.h"
#include "kith/graph/csr.h"

namespace kith::bench {

inline std::uint64_t random_bits(std::int64_t i) {
  const auto x = static_cast<std::uint64_t>(i);
  return word64(
      philox4x32_10({static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(x >> 32), 0, 0}, {1, 2}), 0);
}

/// n × n with m entries in rows of equal length. A column is ⌊n u³⌋ for uniform u: a few sources are read
/// often, as in the graphs people train on (a tenth of the nodes has 46% of the out-edges), and no order
/// helps the cache.
inline Csr32 skewed_graph(std::int64_t n, std::int64_t m) {
  Csr32 a;
  a.indptr = Array<std::int64_t>(static_cast<std::size_t>(n) + 1);
  a.indices = Array<std::int32_t>(static_cast<std::size_t>(m));
  for (std::int64_t i = 0; i <= n; ++i) a.indptr[i] = i * m / n;
  for (std::int64_t e = 0; e < m; ++e) {
    const double u = unit_double(random_bits(e));
    const auto rank = static_cast<std::uint64_t>(u * u * u * static_cast<double>(n));
    // An odd factor scatters the popular nodes over the table.
    a.indices[e] = static_cast<std::int32_t>(rank * 0x9E3779B1u % static_cast<std::uint64_t>(n));
  }
  return a;
}

inline Matrix ramp(std::int64_t rows, std::int64_t cols) {
  Matrix x(rows, cols);
  for (std::int64_t k = 0; k < x.size(); ++k) x.data()[k] = static_cast<float>(k % 1000) * 1e-3f;
  return x;
}

}  // namespace kith::bench
