#pragma once
#include <chrono>
#include <optional>
#include <string>

namespace kith {

using WallTime = std::chrono::system_clock::time_point;

/// When the job will be ended from outside. `text`: seconds since 1970, a local time ("2026-11-21T12:00",
/// with seconds if wanted), "none", or "auto": what Slurm says inside one of its jobs. Nothing when no end is
/// known; throws InputError on anything else and on a time that is over.
std::optional<WallTime> end_time(const std::string& text);

}  // namespace kith
