#pragma once
#include <string>
#include <vector>

#include "kith/comm/communicator.h"
#include "kith/core/ledger.h"
#include "kith/kernels/backend.h"

namespace kith {

/// What a rank computes on for `--device cpu` or `cuda`: of a host's GPUs, a rank takes the one of its number
/// among the host's ranks. Throws InputError, on every rank, when a rank has no GPU or two share one, unless
/// they may. Collective.
enum class SharedGpu { refused, allowed };
Backend device_for(Communicator& comm, const std::string& device, SharedGpu shared);

/// "rank 0 host a: NVIDIA H200, …", by rank. Collective.
std::vector<std::string> device_names(Communicator& comm, const Backend& on);

/// What a GPU's memory came to: device.peak_bytes, device.to_device_bytes, device.to_host_bytes. Nothing for
/// a CPU.
void count_device(const Backend& on, Ledger& ledger);

}  // namespace kith
