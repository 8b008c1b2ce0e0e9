#pragma once
#include <filesystem>

#include "kith/core/file.h"
#include "kith/core/settings.h"

namespace kith::cli {

/// Where a verb writes, and whether it may replace what is there.
struct Output {
  std::filesystem::path folder;
  Existing existing = Existing::refuse;
};

/// `--output`, judged before any work: it must be free, or with `--overwrite` a folder that Kith made. Throws
/// InputError.
Output output_of(const Settings& settings);

}  // namespace kith::cli
