#pragma once
#include <cstdint>
#include <filesystem>

#include "kith/partition/memory_file.h"

namespace kith {

/// The program kith-metis: the one that KITH_METIS names, else the first that exists of: beside the running
/// program, in ../libexec/kith from there, where it is installed, where it was built. Throws InputError when
/// there is none.
std::filesystem::path metis_program();

/// Runs it over a message (metis_message.h) and waits. Returns the peak of its memory in bytes. Throws when
/// it could not be started, ended with a status or was killed: a MemoryError for SIGKILL, which is how the
/// kernel ends what does not fit, else an Error; both name what to use instead.
std::int64_t run_metis_program(const std::filesystem::path& program, const MemoryFile& message);

}  // namespace kith
