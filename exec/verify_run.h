#pragma once
#include <filesystem>

namespace kith {

/// Reads every file of a run: checkpoints and weights against their checksums, metrics and summary as JSON.
/// Throws CorruptError that names the file. Returns the number of files read.
int verify_run(const std::filesystem::path& run);

}  // namespace kith
