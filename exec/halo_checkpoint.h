#pragma once
#include <filesystem>

#include "kith/comm/communicator.h"
#include "kith/exec/local_graph.h"

namespace kith {

/// What a halo protocol keeps from step to step (HaloExchange::state), beside a checkpoint of these weights:
/// `halo/<its stem>-rank-00000.safetensors`, a file of each rank. Unlike a checkpoint it belongs to one
/// partitioning and number of ranks. Where nothing is kept, nothing is written. Collective.
void write_halo_state(Communicator& comm, const std::filesystem::path& checkpoint, std::int64_t step,
                      LocalGraph& graph, const Backend& on);

/// Goes on from what lies beside a checkpoint of this step. Where a rank's file is missing, damaged or of
/// other parts, every rank starts anew instead, with a warning that says why. Collective.
void read_halo_state(Communicator& comm, const std::filesystem::path& checkpoint, std::int64_t step,
                     LocalGraph& graph, const Backend& on);

/// Removes what belongs to no checkpoint of this folder.
void remove_stray_halo_states(const std::filesystem::path& checkpoints);

}  // namespace kith
