#pragma once
#include <filesystem>

#include "kith/core/settings.h"
#include "kith/datasets/store.h"

namespace kith::cli {

/// The settings a run was trained with; `schema` must outlive them. Throws InputError for what is no run, or
/// has no trained weights yet.
Settings settings_of_run(const Schema& schema, const std::filesystem::path& run);

/// What the data that a run was trained on says of itself; the data's at hand when that is gone.
StoreMeta trained_meta(const Settings& trained, const StoreMeta& at_hand);

}  // namespace kith::cli
