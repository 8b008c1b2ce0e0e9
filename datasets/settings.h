#pragma once
#include "kith/core/settings.h"
#include "kith/datasets/generate/planted.h"
#include "kith/datasets/generate/rmat.h"
#include "kith/datasets/prepare.h"

namespace kith {

/// The settings of `kith prepare` and `kith generate`.
void add_dataset_settings(Schema& schema);

/// Typed views of them. Throw InputError on a value that the schema alone cannot judge.
PrepareOptions prepare_options(const Settings& settings);
PlantedOptions planted_options(const Settings& settings);
RmatOptions rmat_options(const Settings& settings);

}  // namespace kith
