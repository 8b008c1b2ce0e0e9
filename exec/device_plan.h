#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kith/core/buffer_placement.h"
#include "kith/core/buffer_trace.h"
#include "kith/core/error.h"
#include "kith/exec/model.h"
#include "kith/exec/run_shape.h"
#include "kith/exec/train_options.h"

namespace kith {

/// Which buffers of full-graph training a device keeps and which lie on the host, whence kernels stream them
/// (kernels/row_parts.h): made from a rehearsal of the whole run, which tells how long each buffer lives and
/// what kernels read and write of it. Those stay whose bytes would cross most often for the room and the time
/// that they take.
struct DevicePlan {
  std::int64_t limit_bytes = 0;      ///< of the device
  std::int64_t fixed_bytes = 0;      ///< parameters, gradients, moments
  std::int64_t workspace_bytes = 0;  ///< left to kernels: chunks under way
  std::int64_t wanted_bytes = 0;     ///< at its peak, if all buffers stayed
  std::int64_t graph_bytes = 0;      ///< of the graph's arrays, which lie on the host under a limit

  /// Like buffers together.
  struct Line {
    std::string name;
    std::int64_t count = 0, bytes = 0;  ///< bytes of one
    bool on_device = false;
    std::int64_t passes = 0;                        ///< kernels that touch them, an epoch
    double to_device_bytes = 0, to_host_bytes = 0;  ///< an epoch; gathers counted by the entry, at most
  };
  std::vector<Line> lines;
  BufferPlacement load, step, evaluation;
  /// Values that are made again in the backward pass, for that moves less than keeping them (TapeOptions).
  std::vector<bool> remade;
  double seconds = 0;  ///< an epoch, modelled: bytes over the link, and bytes of the device's memory

  /// All buffers stay.
  bool fits() const;
  /// There is room for them and the graph: nobody need keep to a limit.
  bool everything_fits() const;
};

/// `limit` bytes of a device. Throws MemoryError, with the numbers, when not even one row of the widest
/// kernel fits beside what cannot leave.
DevicePlan device_plan(const RunShape& shape, const TrainOptions& options, const ModelFactory& make,
                       std::int64_t limit);
/// A plan from a trace whose last two phases are a step and an evaluation, each met before.
DevicePlan device_plan(const BufferTrace& trace, std::int64_t fixed_bytes, std::int64_t limit,
                       double evaluations_an_epoch);

/// Without a rehearsal: buffers stay where there is room when they are made.
DevicePlan unplanned(std::int64_t limit);

/// From now on the GPU's memory is used by the plan: nothing on a CPU.
void limit_device(const Backend& on, const DevicePlan& plan);
/// What of a GPU's memory may be taken now; 0 on a CPU.
std::int64_t free_device_bytes(const Backend& on);

/// What `kith train` prints of it.
std::string plan_table(const DevicePlan& plan);

/// The bytes of "8GiB"; throws InputError.
std::int64_t device_limit(const std::string& text);

}  // namespace kith
