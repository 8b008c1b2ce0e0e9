#include "kith/kernels/backend.h"

#include "kith/core/error.h"
#include "kith/kernels/product_precision.h"

#ifdef KITH_CUDA
#include "kith/core/cuda/device.h"
#include "kith/kernels/cuda/gemm.h"
#endif

namespace kith {

std::vector<Backend> available_backends() {
  std::vector<Backend> all{Cpu{}};
#ifdef KITH_CUDA
  if (CudaDevice::count() > 0) all.emplace_back(Cuda{&CudaDevice::open(0)});
#endif
  return all;
}

Backend open_cuda(int number) {
#ifdef KITH_CUDA
  const int devices = CudaDevice::count();
  return Cuda{&CudaDevice::open(devices > 0 ? number % devices : number)};
#else
  static_cast<void>(number);
  throw InputError("this kith was built without CUDA: build it where nvcc is found, or use --device cpu");
#endif
}

BackendFacts facts_of(const Backend& on) {
#ifdef KITH_CUDA
  if (const Cuda* cuda = std::get_if<Cuda>(&on)) {
    const CudaFacts& facts = cuda->device->facts();
    const std::string_view dense = cuda::cublas_lt_file();
    return {with_facts(facts.name, {{"sm", facts.capability},
                                    {"SMs", facts.multiprocessors},
                                    {"GiB", static_cast<double>(facts.memory_bytes) / (1 << 30)},
                                    {"driver", facts.driver},
                                    {"dense", dense.empty() ? "own kernels" : dense},
                                    {"products in", name_of(cuda::product_precision())}}),
            facts.uuid};
  }
#endif
  static_cast<void>(on);
  return {};
}

std::string_view name_of(ProductPrecision precision) {
  switch (precision) {
    case ProductPrecision::tf32: return "tf32";
    case ProductPrecision::bf16: return "bf16";
    default: return "fp32";
  }
}

void set_product_precision(const Backend& on, ProductPrecision precision) {
  const std::string asked = "products in " + std::string(name_of(precision));
#ifdef KITH_CUDA
  if (std::holds_alternative<Cuda>(on)) {
    if (precision != ProductPrecision::fp32 && cuda::cublas_lt_file().empty())
      throw InputError(asked + " need cuBLASLt, which this host does not have: KITH_CUBLASLT names its file");
    return cuda::set_product_precision(precision);
  }
#endif
  static_cast<void>(on);
  if (precision != ProductPrecision::fp32) throw InputError(asked + " are a GPU's: use --device cuda");
}

BackendUse use_of(const Backend& on) {
#ifdef KITH_CUDA
  if (const Cuda* cuda = std::get_if<Cuda>(&on)) {
    const CudaMemoryUse use = cuda->device->memory_use();
    return {use.peak_bytes, use.to_device_bytes, use.to_host_bytes};
  }
#endif
  static_cast<void>(on);
  return {};
}

DeviceMemory* memory_of(const Backend& on) {
#ifdef KITH_CUDA
  if (const Cuda* cuda = std::get_if<Cuda>(&on)) return cuda->device;
#endif
  static_cast<void>(on);
  return nullptr;
}

Mirror mirror_bytes(const Backend& on, const void* values, std::size_t bytes) {
#ifdef KITH_CUDA
  const Cuda* cuda = std::get_if<Cuda>(&on);
  if (cuda != nullptr && !rehearsing())
    return std::make_shared<const CudaMirror>(*cuda->device, values, bytes);
#endif
  static_cast<void>(on), static_cast<void>(values), static_cast<void>(bytes);
  return nullptr;
}

}  // namespace kith
