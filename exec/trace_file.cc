#include "kith/exec/trace_file.h"

#include <functional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/core/file.h"
#include "kith/exec/on_root.h"

namespace kith {
namespace {

using Json = nlohmann::json;
using std::chrono::nanoseconds;

constexpr int kTag = 7004;
constexpr const char* kWhat = "gather the trace";

double microseconds(nanoseconds time) { return static_cast<double>(time.count()) / 1000; }

Json name_json(const char* kind, int rank, int thread, const std::string& name) {
  return {{"ph", "M"}, {"name", kind}, {"pid", rank}, {"tid", thread}, {"args", {{"name", name}}}};
}

Json event_json(const TraceEvent& event, int rank, nanoseconds begin) {
  Json args = Json::object();
  if (event.place.epoch > 0) args["epoch"] = event.place.epoch;
  if (event.place.step > 0) args["step"] = event.place.step;
  if (event.layer >= 0) args["layer"] = event.layer;
  if (event.bytes >= 0) args["bytes"] = event.bytes;
  return {{"ph", "X"},           {"name", event.name},        {"pid", rank},
          {"tid", event.thread}, {"ts", microseconds(begin)}, {"dur", microseconds(event.end - event.begin)},
          {"args", args}};
}

/// This rank's entries of `traceEvents`, one a line; `zero` is the file's, by rank 0's clock.
std::string events_text(const Communicator& comm, const RankTrace& trace, nanoseconds zero) {
  const int rank = comm.rank().value();
  std::string text =
      name_json("process_name", rank, 0, fmt::format("rank {} host {}", rank, comm.host_of(comm.rank())))
          .dump();
  const std::vector<std::string> threads = trace.events.threads();
  for (std::size_t t = 0; t < threads.size(); ++t)
    text += ",\n" + name_json("thread_name", rank, static_cast<int>(t), threads[t]).dump();
  for (const TraceEvent& event : trace.events.events()) {
    const nanoseconds begin = event.begin.time_since_epoch() + trace.clock.to_root - zero;
    text += ",\n" + event_json(event, rank, begin).dump();
  }
  return text;
}

std::string rank_json(const RankTrace& trace) {
  return Json{{"dropped_events", trace.events.dropped()},
              {"clock_offset_us", microseconds(trace.clock.to_root)},
              {"clock_error_us", microseconds(trace.clock.error)}}
      .dump();
}

/// Rank 0 takes every rank's text in turn, its own first.
void bring_to_root(Communicator& comm, const std::string& mine,
                   const std::function<void(std::string)>& take) {
  const auto sizes = all_gather(comm, static_cast<std::int64_t>(mine.size()), kWhat);
  if (comm.rank() != Rank{0})
    return comm.wait(comm.start_send(std::as_bytes(std::span(mine)), Rank{0}, kTag, kWhat));
  take(mine);
  for (int r = 1; r < comm.size(); ++r) {
    std::string theirs(static_cast<std::size_t>(sizes[static_cast<std::size_t>(r)]), ' ');
    comm.wait(comm.start_receive(std::as_writable_bytes(std::span(theirs)), Rank{r}, kTag, kWhat));
    take(std::move(theirs));
  }
}

}  // namespace

std::unique_ptr<RankTrace> start_trace(Communicator& comm, std::size_t most_events) {
  auto trace =
      std::unique_ptr<RankTrace>(new RankTrace{Trace(most_events), {}, std::chrono::steady_clock::now()});
  trace->events.name_thread("training thread");
  trace->clock = clock_offset(comm);
  return trace;
}

void write_trace(Communicator& comm, const RankTrace& trace, const std::filesystem::path& file) {
  std::int64_t zero = trace.begin.time_since_epoch().count();
  broadcast_values(comm, std::span(&zero, 1), Rank{0}, kWhat);
  std::unique_ptr<AtomicFile> out;
  run_on_root(comm, "open the trace", [&] {
    out = std::make_unique<AtomicFile>(file);
    out->write("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n");
  });
  bring_to_root(comm, events_text(comm, trace, nanoseconds(zero)),
                [&, first = true](const std::string& text) mutable {
                  if (!std::exchange(first, false)) out->write(",\n");
                  out->write(text);
                });
  const std::vector<std::string> ranks = gather(comm, rank_json(trace), Rank{0}, kWhat);
  run_on_root(comm, "finish the trace", [&] {
    Json other{{"program", "kith"}, {"ranks", Json::array()}};
    for (const std::string& rank : ranks) other["ranks"].push_back(Json::parse(rank));
    out->write("\n], \"otherData\": " + other.dump() + "}\n");
    out->commit();
  });
}

}  // namespace kith
