#pragma once
#include <filesystem>

#include "kith/comm/operation_log.h"

namespace kith {

/// From now on this process keeps the last operations of all its communicators in RUN/rank-00003.operations:
/// lines of a fixed width that are overwritten in a ring, oldest first after `sort`. The file is mapped
/// memory, so it is right even of a process that was killed. Once per process; throws InputError when it
/// cannot be made.
void open_operation_file(const std::filesystem::path& run, int rank);

/// For OperationLog; without a file, nothing.
namespace operation_file {
void start(const OperationLog* log, std::int64_t sequence, const std::string& text);
void complete(const OperationLog* log, std::int64_t sequence);
bool is_open();
}  // namespace operation_file

}  // namespace kith
