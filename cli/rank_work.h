#pragma once
#include <filesystem>

#include "kith/comm/communicator.h"
#include "kith/core/parallel.h"
#include "kith/core/settings.h"
#include "kith/exec/model.h"

namespace kith::cli {

/// What every verb on ranks begins with: the no-progress limit, and the rank's share of its host's cores
/// (or `--threads`) as its threads. Collective.
int prepared_threads(Communicator& comm, const Settings& settings);

/// Makes the built-in model that a run's settings name.
ModelFactory model_factory(const Settings& train_settings);

}  // namespace kith::cli
