#pragma once
#include <cstdint>
#include <memory>

#include "kith/core/cuda/device.h"
#include "kith/core/dtype.h"
#include "kith/graph/csr.h"

namespace kith::bench {

/// y = A x by cuSPARSE with int32 indices, its descriptors and workspace made once and its values kept: the
/// form that a careful user of it has. All arrays lie on the device.
class Cusparse {
 public:
  enum class Algorithm { csr_2, csr_3 };
  /// x and y [n, cols], both of the type.
  struct Product {
    CsrView<std::int32_t> a;
    std::int64_t cols;
    DType type;
    const void* x;
    void* y;
    Algorithm algorithm;
  };
  /// Null where this host has no cuSPARSE, or it does not take the product.
  static std::unique_ptr<Cusparse> make(CudaDevice& device, const Product& product);
  virtual ~Cusparse() = default;
  virtual void run() = 0;
};

}  // namespace kith::bench
