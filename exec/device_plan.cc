// A buffer that leaves costs what kernels read and write of it; one that stays takes its room for its life.
// So they are taken by bytes that would cross, for every byte and kernel of their lives, the dearest first,
// while there is room at every moment of their lives. Values that are used at once stay; those that wait for
// the backward pass go.
#include "kith/exec/device_plan.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/progress.h"
#include "kith/core/rehearsal.h"
#include "kith/exec/memory_estimate.h"
#include "kith/sampler/byte_size.h"

#ifdef KITH_CUDA
#include "kith/core/cuda/device.h"
#endif

namespace kith {
namespace {

using Phase = BufferTrace::Phase;

/// Slots for two chunks take two thirds of the workspace.
constexpr std::int64_t kShareOfLimit = 4, kSlots = 3;
/// Bytes a second of PCIe 5 as copies reach them, and of a GPU's memory: what weighs moving a value against
/// making it again.
constexpr double kLinkRate = 40e9, kMemoryRate = 2e12;
/// What allocations are rounded up by, and small arrays beside the buffers.
constexpr double kUsable = 0.9;

/// The room that is left at each kernel of a stretch of time.
class Room {
 public:
  Room(std::int64_t from, std::int64_t until, std::int64_t bytes)
      : from_(from), left_(static_cast<std::size_t>(until - from + 1), bytes) {}
  /// Whether there is room for `bytes` from kernel `from` to `until`; then it is taken.
  bool take(std::int64_t bytes, std::int64_t from, std::int64_t until) {
    const auto first = left_.begin() + std::max<std::int64_t>(from - from_, 0);
    const auto last = left_.begin() + std::min<std::int64_t>(until - from_, std::ssize(left_));
    if (first < last && *std::min_element(first, last) < bytes) return false;
    std::for_each(first, last, [&](std::int64_t& left) { left -= bytes; });
    return true;
  }
  std::int64_t least() const { return *std::min_element(left_.begin(), left_.end()); }

 private:
  std::int64_t from_;
  std::vector<std::int64_t> left_;
};

/// A buffer of the planned epoch.
struct Candidate {
  std::size_t index;
  double crossing = 0, worth = 0;
  bool on_device = false;
};

/// The last step and the last evaluation.
struct Window {
  int step = -1, evaluation = -1;
  std::int64_t from = 0, until = 0;
};

Window window_of(const BufferTrace& trace) {
  Window window;
  for (int p = 0; p < static_cast<int>(trace.phases().size()); ++p)
    (trace.phases()[static_cast<std::size_t>(p)].phase == Phase::step ? window.step : window.evaluation) = p;
  require(window.step > 0 && window.evaluation > window.step, "a plan needs a step and an evaluation");
  window.from = trace.phases()[static_cast<std::size_t>(window.step)].from;
  window.until = trace.now() + 1;
  return window;
}

class Planner {
 public:
  Planner(const BufferTrace& trace, double evaluations)
      : trace_(trace), window_(window_of(trace)), evaluations_(evaluations) {
    for (std::size_t i = 0; i < trace.buffers().size(); ++i)
      if (trace.buffers()[i].until > window_.from) candidates_.push_back(candidate(i));
    order_.resize(candidates_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return candidates_[a].worth > candidates_[b].worth;
    });
  }

  std::int64_t wanted() const {
    Room all(window_.from, window_.until, INT64_MAX / 2);
    for (const Candidate& c : candidates_) take(all, c);
    return INT64_MAX / 2 - all.least();
  }

  void place(std::int64_t bytes) {
    Room room(window_.from, window_.until, bytes);
    for (const std::size_t i : order_) candidates_[i].on_device = take(room, candidates_[i]);
  }

  void write(DevicePlan& plan) const {
    plan.load = placement(Phase::load);
    plan.step = BufferPlacement(placement(Phase::step).places(), plan.load.places());
    plan.evaluation = placement(Phase::evaluation);
    plan.lines = lines();
    for (const Candidate& c : candidates_)
      plan.seconds += c.crossing * ((c.on_device ? 0 : 1 / kLinkRate) + 1 / kMemoryRate);
  }

 private:
  const BufferTrace::Traced& buffer(const Candidate& c) const { return trace_.buffers()[c.index]; }
  double share(int phase) const { return phase == window_.step ? 1 : evaluations_; }

  Candidate candidate(std::size_t index) const {
    const BufferTrace::Traced& b = trace_.buffers()[index];
    Candidate c{index};
    for (const int phase : {window_.step, window_.evaluation})
      if (const auto use = b.use.find(phase); use != b.use.end())
        c.crossing += share(phase) * (use->second.read_bytes + use->second.written_bytes);
    const auto life = static_cast<double>(std::min(b.until, window_.until) - std::max(b.from, window_.from));
    c.worth = c.crossing / (static_cast<double>(b.bytes) * std::max(life, 1.0));
    return c;
  }

  bool take(Room& room, const Candidate& c) const {
    return room.take(static_cast<std::int64_t>(buffer(c).bytes), buffer(c).from,
                     std::min(buffer(c).until, window_.until));
  }

  /// What lives on from before the window was made while loading, or in the first step.
  bool belongs(const Candidate& c, Phase phase) const {
    const int made = buffer(c).phase;
    if (phase == Phase::load) return made < window_.step;
    return made == (phase == Phase::step ? window_.step : window_.evaluation);
  }

  BufferPlacement placement(Phase phase) const {
    std::vector<BufferPlacement::Place> places;
    for (const Candidate& c : candidates_)
      if (belongs(c, phase)) places.push_back({buffer(c).bytes, c.on_device});
    return BufferPlacement(std::move(places));
  }

  std::string name(const Candidate& c) const {
    if (belongs(c, Phase::load)) return "features";
    if (belongs(c, Phase::evaluation)) return "evaluation";
    return std::string(name_of(buffer(c).kind));
  }

  std::vector<DevicePlan::Line> lines() const {
    std::map<std::tuple<std::string, std::size_t, bool>, DevicePlan::Line> groups;
    for (const Candidate& c : candidates_) {
      DevicePlan::Line& line = groups[{name(c), buffer(c).bytes, c.on_device}];
      line.name = name(c);
      line.bytes = static_cast<std::int64_t>(buffer(c).bytes);
      line.on_device = c.on_device;
      ++line.count;
      for (const auto& [phase, use] : buffer(c).use) {
        if (phase != window_.step && phase != window_.evaluation) continue;
        line.passes += use.passes;
        if (c.on_device) continue;
        line.to_device_bytes += share(phase) * use.read_bytes;
        line.to_host_bytes += share(phase) * use.written_bytes;
      }
    }
    std::vector<DevicePlan::Line> all;
    for (auto& [_, line] : groups) all.push_back(std::move(line));
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.count * a.bytes > b.count * b.bytes; });
    return all;
  }

  const BufferTrace& trace_;
  Window window_;
  double evaluations_;
  std::vector<Candidate> candidates_;
  std::vector<std::size_t> order_;
};

std::string bytes_text(double bytes) { return bytes == 0 ? "-" : human_bytes(bytes); }

}  // namespace

bool DevicePlan::fits() const {
  return std::all_of(lines.begin(), lines.end(), [](const Line& line) { return line.on_device; });
}

bool DevicePlan::everything_fits() const {
  return static_cast<double>(wanted_bytes + graph_bytes) <= kUsable * static_cast<double>(limit_bytes);
}

DevicePlan device_plan(const BufferTrace& trace, std::int64_t fixed_bytes, std::int64_t limit,
                       double evaluations_an_epoch) {
  Planner planner(trace, evaluations_an_epoch);
  const BufferTrace::Need& need = trace.need();
  // A node without neighbours, at the least.
  const std::int64_t row = need.row_bytes + need.column_bytes + need.edge_bytes;
  DevicePlan plan{.limit_bytes = limit,
                  .fixed_bytes = fixed_bytes,
                  .workspace_bytes = std::max(limit / kShareOfLimit, kSlots * row),
                  .wanted_bytes = planner.wanted() + fixed_bytes};
  const std::int64_t left = limit - fixed_bytes - plan.workspace_bytes;
  if (left < 0)
    throw MemoryError(
        with_facts("the device's limit is too small even for streaming: raise "
                   "--device-memory-limit, or lower --hidden",
                   {{"limit", limit},
                    {"parameters, gradients and moments", fixed_bytes},
                    {"a chunk of one row of the widest kernel, three times", kSlots * row},
                    {"workspace", plan.workspace_bytes},
                    {"bytes missing", -left}}));
  planner.place(static_cast<std::int64_t>(kUsable * static_cast<double>(left)));
  planner.write(plan);
  return plan;
}

DevicePlan device_plan(const RunShape& shape, const TrainOptions& options, const ModelFactory& make,
                       std::int64_t limit) {
  std::int64_t elements = 0, layers = 0;
  {
    const Rehearsal rehearsal;
    Parameters parameters(options.seed);
    layers = make(parameters, shape.data.features, shape.data.classes)->layers();
    elements = parameters.elements();
  }
  const std::int64_t fixed = elements * 4 * (options.optimiser.name == "sgd" ? 3 : 4);
  const double evaluations = 1 / static_cast<double>(std::max<std::int64_t>(options.eval_every, 1));
  const auto planned = [&](const std::vector<bool>& remade) {
    TrainOptions tried = options;
    tried.remade = remade;
    BufferTrace trace;
    const MemoryByKind memory = estimated_memory(shape, tried, make);
    DevicePlan plan = device_plan(trace, fixed, limit, evaluations);
    plan.graph_bytes = memory[MemoryKind::graph];
    plan.remade = remade;
    return plan;
  };
  DevicePlan best = planned({});
  // A layer has at most an aggregate and a dropped input.
  for (std::int64_t number = 0; number < 2 * layers && !best.everything_fits() && !best.fits(); ++number) {
    std::vector<bool> remade = best.remade;
    remade.resize(static_cast<std::size_t>(number) + 1);
    remade.back() = true;
    DevicePlan plan = planned(remade);
    if (plan.seconds < best.seconds) best = std::move(plan);
  }
  return best;
}

DevicePlan unplanned(std::int64_t limit) {
  return {.limit_bytes = limit, .workspace_bytes = limit / kShareOfLimit, .wanted_bytes = limit};
}

void limit_device(const Backend& on, const DevicePlan& plan) {
#ifdef KITH_CUDA
  if (const Cuda* cuda = std::get_if<Cuda>(&on))
    cuda->device->set_limit({plan.limit_bytes, plan.workspace_bytes});
#endif
  static_cast<void>(on), static_cast<void>(plan);
}

std::int64_t free_device_bytes(const Backend& on) {
#ifdef KITH_CUDA
  if (const Cuda* cuda = std::get_if<Cuda>(&on)) return cuda->device->free_bytes();
#endif
  static_cast<void>(on);
  return 0;
}

std::string plan_table(const DevicePlan& plan) {
  std::string text = fmt::format(
      "device memory: {} wanted, {} allowed: {} for parameters, {} for chunks under way, the rest for "
      "buffers; "
      "an epoch moves\n  {:<14}{:>6}{:>11}  {:<7}{:>7}{:>13}{:>13}\n",
      human_bytes(static_cast<double>(plan.wanted_bytes)), human_bytes(static_cast<double>(plan.limit_bytes)),
      human_bytes(static_cast<double>(plan.fixed_bytes)),
      human_bytes(static_cast<double>(plan.workspace_bytes)), "buffers", "count", "bytes", "on", "passes",
      "to device", "to host");
  double to_device = 0, to_host = 0;
  for (const DevicePlan::Line& line : plan.lines) {
    text += fmt::format("  {:<14}{:>6}{:>11}  {:<7}{:>7}{:>13}{:>13}\n", line.name, line.count,
                        human_bytes(static_cast<double>(line.bytes)), line.on_device ? "device" : "host",
                        line.passes, bytes_text(line.to_device_bytes), bytes_text(line.to_host_bytes));
    to_device += line.to_device_bytes;
    to_host += line.to_host_bytes;
  }
  const auto remade = std::count(plan.remade.begin(), plan.remade.end(), true);
  if (remade > 0) text += fmt::format("  {} values are made again in the backward pass instead\n", remade);
  return text + fmt::format("  {:<14}{:>45}{:>13}{:>13}   at most: gathers are counted by the entry", "all",
                            "", bytes_text(to_device), bytes_text(to_host));
}

std::int64_t device_limit(const std::string& text) {
  const std::optional<std::int64_t> bytes = parse_bytes(text);
  if (!bytes || *bytes <= 0)
    throw InputError(fmt::format("--device-memory-limit {}: bytes with a unit, as in 8GiB, or auto", text));
  return *bytes;
}

}  // namespace kith
