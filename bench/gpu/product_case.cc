#include <cmath>

#include "kith/bench/gpu/cases.h"
#include "kith/bench/gpu/timing.h"
#include "kith/kernels/dense.h"

namespace kith::bench {
namespace {

double relative_distance(ConstTensor a, ConstTensor b) {
  double distance = 0, norm = 0;
  for (std::int64_t k = 0; k < a.size(); ++k) {
    distance += std::pow(static_cast<double>(a.data[k]) - b.data[k], 2);
    norm += std::pow(static_cast<double>(b.data[k]), 2);
  }
  return norm > 0 ? std::sqrt(distance / norm) : 0;
}

}  // namespace

Json product_case(CudaDevice& device, std::int64_t rows, std::int64_t cols, ProductPrecision precision) {
  const Backend on = Cuda{&device};
  const Matrix x = ramp_on(device, rows, cols), w = ramp_on(device, cols, cols);
  const auto product = [&](ProductPrecision in, std::int64_t some) {
    set_product_precision(on, in);
    Matrix y(some, cols);
    matmul(on, Trans::no, x.view().row_range(0, some), Trans::yes, w, 0, y);
    return y;
  };
  const std::int64_t some = std::min<std::int64_t>(rows, 4096);
  const double distance = relative_distance(product(precision, some), product(ProductPrecision::fp32, some));
  set_product_precision(on, precision);
  const UseMemory there(&device);
  Matrix y(rows, cols);
  const double time = milliseconds(device, [&](int) { matmul(on, Trans::no, x, Trans::yes, w, 0, y); });
  set_product_precision(on, ProductPrecision::fp32);
  const double operations = 2.0 * static_cast<double>(rows) * static_cast<double>(cols * cols);
  return {{"rows", rows},
          {"columns", cols},
          {"products_in", name_of(precision)},
          {"milliseconds", time},
          {"operations_per_second", operations / (time * 1e-3)},
          {"distance_from_fp32", distance}};
}

}  // namespace kith::bench
