#pragma once
#include <cstdint>
#include <filesystem>

#include "kith/core/error.h"

namespace kith {

/// What a failed write of `bytes` to `path` means: on a full disk, or beyond a limit of the file's size, it
/// says how much was needed and is free. `error` is errno.
InputError write_failure(const std::filesystem::path& path, std::int64_t bytes, int error);

}  // namespace kith
