#pragma once
#include <cstdint>
#include <string>

namespace kith {

std::string host_name();
std::int64_t process_id();
/// "AMD EPYC 9554 64-Core Processor", or "unknown".
std::string cpu_model();
/// The cores in this process's affinity mask.
int affinity_cores();
/// The vector instruction set a build-independent kernel may use here: "avx512", "avx2", "sse4", "neon",
/// "scalar".
std::string vector_width();
/// The cache that all cores share; 0 where the system does not say.
std::int64_t last_level_cache_bytes();

/// What this process may use before it is killed: the smaller of the host's memory and the cgroup limits
/// above it.
std::int64_t memory_limit_bytes();
/// What is left of that now. Page cache that the kernel would give back counts as available.
std::int64_t memory_available_bytes();
/// The resident set of this process now.
std::int64_t resident_bytes();

}  // namespace kith
