#pragma once
#include <cstdint>

namespace kith {

/// What this machine can do at most with the threads a loop may use now: the denominators of a kernel's
/// figures. Each is the best of a few runs of some tens of milliseconds.

/// Bytes per second of reading `bytes` in order; of copying them with stores that bypass the caches (read +
/// written).
double stream_read_ceiling(std::int64_t bytes);
double stream_copy_ceiling(std::int64_t bytes);
/// Bytes per second of reading random rows of `row_bytes` from a table of `table_bytes`, all lines of rows
/// further ahead prefetched. row_bytes is a multiple of 64.
double gather_ceiling(std::int64_t table_bytes, std::int64_t row_bytes);
/// fp32 operations per second of independent fused multiply-adds on registers.
double flop_ceiling();

}  // namespace kith
