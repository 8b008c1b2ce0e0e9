#pragma once
#include <memory>
#include <span>

#include "kith/kernels/backend.h"
#include "kith/sampler/batch.h"
#include "kith/sampler/packed_rows.h"
#include "kith/sampler/topology.h"

namespace kith {

/// Makes batches by a GPU's kernels, with the draws and in the order of NeighbourSampler, which asks it. One
/// thread at a time.
class DeviceSampler {
 public:
  /// The largest fanout it takes.
  static constexpr std::int64_t kMostDraws = 4096;

  virtual ~DeviceSampler() = default;
  /// Nodes, blocks and, when `facts`, store ids and degrees, on the host and mirrored on the device: it has
  /// waited for them. `hops`: the seeds' own first.
  virtual Batch sample(std::span<const GlobalId> seeds, std::span<const HopRequest> hops, bool facts) = 0;
};

/// Where the device's kernels read the graph's rows: in its own memory, or in the host's; `automatic` is its
/// own where they take at most half of what is free.
enum class RowPlace { automatic, device, host };

/// Null where `on` is a CPU. `rows` must outlive it.
std::unique_ptr<DeviceSampler> device_sampler(const Backend& on, const PackedRows& rows,
                                              RowPlace place = RowPlace::automatic);

/// As long as it lives, what this thread asks of a GPU goes beside the work of other threads. Nothing on a
/// CPU.
using SideStream = std::shared_ptr<const void>;
SideStream side_stream(const Backend& on);

}  // namespace kith
