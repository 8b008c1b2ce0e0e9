#pragma once
#include <cstdint>
#include <string>

namespace kith {

/// "2G", "512MiB", "1.5 GB", "1000000" as bytes; K, M, G, T are powers of 1024, kB, MB, GB, TB of 1000.
/// Throws InputError that names `setting`.
std::int64_t bytes_of_text(const std::string& text, const char* setting);

/// What a step may use: `limit` when it is not 0, else 80% of the smallest of the host's memory, the cgroups'
/// limits and the process's own (RLIMIT_AS, RLIMIT_DATA).
std::int64_t memory_budget(std::int64_t limit);

}  // namespace kith
