#pragma once
#include "kith/comm/communicator.h"
#include "kith/comm/shared_scratch.h"

namespace kith {

/// The all-reduce of ranks that share memory; the same bits as the one by messages.
Pending start_shared_all_reduce(Communicator& comm, SharedScratch& scratch, std::span<float> values,
                                const char* what);
Pending start_shared_all_reduce(Communicator& comm, SharedScratch& scratch, std::span<double> values,
                                const char* what);

}  // namespace kith
