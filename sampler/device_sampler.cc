#include "kith/sampler/device_sampler.h"

#ifdef KITH_CUDA
#include "kith/sampler/cuda/cuda_sampler.h"
#endif

namespace kith {

std::unique_ptr<DeviceSampler> device_sampler(const Backend& on, const PackedRows& rows, RowPlace place) {
#ifdef KITH_CUDA
  if (const Cuda* cuda = std::get_if<Cuda>(&on)) return cuda::sampler(*cuda->device, rows, place);
#endif
  static_cast<void>(on), static_cast<void>(rows), static_cast<void>(place);
  return nullptr;
}

SideStream side_stream(const Backend& on) {
#ifdef KITH_CUDA
  if (const Cuda* cuda = std::get_if<Cuda>(&on)) return std::make_shared<const CudaSideStream>(*cuda->device);
#endif
  static_cast<void>(on);
  return nullptr;
}

}  // namespace kith
