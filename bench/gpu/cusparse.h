#pragma once
#include <cstdint>
#include <memory>

#include "kith/core/cuda/device.h"
#include "kith/core/dtype.h"
#include "kith/graph/csr.h"

namespace kith::bench {

/// y = A x by cuSPARSE's CSR_ALG2 with int32 indices, its descriptors and workspace made once and its values
/// kept: the form that a careful user of it has. All arrays lie on the device.
class Cusparse {
 public:
  /// Null where this host has no cuSPARSE, or it does not take the type.
  static std::unique_ptr<Cusparse> make(CudaDevice& device, CsrView<std::int32_t> a, std::int64_t cols,
                                        DType type, const void* x, void* y);
  virtual ~Cusparse() = default;
  virtual void run() = 0;
};

}  // namespace kith::bench
