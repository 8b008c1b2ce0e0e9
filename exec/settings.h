#pragma once
#include "kith/core/settings.h"
#include "kith/exec/model.h"
#include "kith/exec/train_options.h"

namespace kith {

/// The settings of `kith train` and `kith evaluate` that exec reads.
void add_exec_settings(Schema& schema);

/// Typed views. Throw InputError on what the schema alone cannot judge.
TrainOptions train_options(const Settings& settings);
ModelOptions model_options(const Settings& settings);

}  // namespace kith
