#pragma once
#include <memory>
#include <string>

#include "kith/comm/communicator.h"

namespace kith {

/// How what lies on GPUs crosses ranks.
enum class DeviceWire {
  automatic,  ///< NCCL where every rank has it, else through the host
  nccl,
  host  ///< copied to the host and sent by MPI, which need not know GPUs
};

/// A communicator of the same ranks that takes messages in the memory of `device` too, or null where they go
/// through the host. Throws InputError when NCCL is wanted and missing, with what to do. Collective.
std::unique_ptr<Communicator> device_communicator(Communicator& comm, DeviceMemory& device, DeviceWire wire);

/// "NCCL 2.28.9 (libnccl.so.2)", or "" where this host has none.
std::string nccl_name();

}  // namespace kith
