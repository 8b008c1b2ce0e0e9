#include "kith/comm/device_communicator.h"

#include <fmt/format.h>

#ifdef KITH_NCCL
#include "kith/comm/nccl/nccl_communicator.h"
#endif

namespace kith {

#ifdef KITH_NCCL
std::string nccl_name() {
  const NcclLibrary& nccl = nccl_library();
  int version = 0;
  if (!nccl.usable || nccl.version(&version) != ncclSuccess) return {};
  return fmt::format("NCCL {}.{}.{} ({})", version / 10000, version / 100 % 100, version % 100, nccl.file);
}
#else
std::string nccl_name() { return {}; }
#endif

std::unique_ptr<Communicator> device_communicator(Communicator& comm, DeviceMemory& device, DeviceWire wire) {
  if (comm.size() == 1 || wire == DeviceWire::host) return nullptr;
  const std::int64_t without = all_reduce_sum(comm, std::int64_t{nccl_name().empty()}, "look for NCCL");
  if (without > 0) {
    if (wire == DeviceWire::automatic) return nullptr;
    throw InputError(
        fmt::format("{} of {} ranks have no NCCL: set KITH_NCCL to its libnccl.so.2, or use --gpu-wire host",
                    without, comm.size()));
  }
#ifdef KITH_NCCL
  return std::make_unique<NcclCommunicator>(comm.duplicate(), dynamic_cast<CudaDevice&>(device));
#else
  static_cast<void>(device);
  return nullptr;
#endif
}

}  // namespace kith
