#pragma once
#include <filesystem>
#include <memory>

#include "kith/comm/clock_offset.h"
#include "kith/core/trace.h"

namespace kith {

/// A rank's trace, and where its clock stood against rank 0's at the start.
struct RankTrace {
  Trace events;
  ClockOffset clock;
  TraceEvent::Time begin;  ///< of this rank; rank 0's is the file's 0
};

/// Named for the calling thread, which trains; its clock is compared with rank 0's. Collective.
std::unique_ptr<RankTrace> start_trace(Communicator& comm, std::size_t most_events);

/// Chrome trace-event JSON (chrome://tracing, ui.perfetto.dev) of all ranks, written by rank 0: pid is the
/// rank, tid its thread, times are microseconds of rank 0's clock. `otherData` has each rank's dropped events
/// and what is known of its clock. One rank's text at a time is in memory. Collective; throws InputError when
/// it cannot be written.
void write_trace(Communicator& comm, const RankTrace& trace, const std::filesystem::path& file);

}  // namespace kith
