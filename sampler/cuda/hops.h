#pragma once
#include <cstdint>
#include <span>

#include "kith/core/philox.h"
#include "kith/kernels/cuda/staging.h"
#include "kith/sampler/sampling_row.h"

// The steps of sampling one hop on a device. All pointers and spans are the device's; nothing waits.
namespace kith::cuda {

/// A graph's rows, in memory that kernels read.
struct SampledGraph {
  const SamplingRow* rows = nullptr;
  const std::int32_t* columns = nullptr;
};

/// How the nodes of a hop draw: those of sampler/draws.h.
struct HopDraws {
  std::int64_t fanout = -1;  ///< −1: all neighbours
  bool replace = false;
  PhiloxKey key;
  std::uint32_t step = 0;
};

/// indptr [nodes + 1]: where the neighbours of each node begin.
void find_offsets(Staging& call, const SampledGraph& graph, const HopDraws& draws,
                  std::span<const std::int32_t> nodes, std::int64_t* indptr);
/// The neighbours themselves, row by row, in the order of the draws.
void draw_neighbours(Staging& call, const SampledGraph& graph, const HopDraws& draws,
                     std::span<const std::int32_t> nodes, const std::int64_t* indptr,
                     std::int32_t* neighbours);

/// What a table of positions holds of a node that is not in the batch.
constexpr std::uint32_t kNoPosition = 0xffffffffu;

/// Neighbours on their way to positions in the batch.
struct Relabelling {
  std::uint32_t* table = nullptr;            ///< [graph's nodes] by node: its position, or kNoPosition
  const std::int32_t* neighbours = nullptr;  ///< [room], of which *edges count
  const std::int64_t* edges = nullptr;
  std::int64_t room = 0;
  std::int64_t known = 0;           ///< nodes of the batch so far; known + room < kNoPosition
  std::int32_t* nodes = nullptr;    ///< [known + room]: new ones are appended in order of first appearance
  std::int32_t* indices = nullptr;  ///< [room]: the positions
  std::int64_t* totals = nullptr;   ///< [2]: *edges, and the nodes there are then
};
void relabel(Staging& call, const Relabelling& to);

/// The table forgets these nodes; all of `size`.
void forget(Staging& call, std::span<const std::int32_t> nodes, std::uint32_t* table);
void forget_all(Staging& call, std::int64_t size, std::uint32_t* table);

/// Global ids, store ids and degrees of nodes, each [nodes].
struct NodeFacts {
  std::int64_t* ids = nullptr;
  std::int64_t* store_ids = nullptr;  ///< null: not wanted, nor degrees
  std::int64_t* degrees = nullptr;
};
void describe(Staging& call, const SampledGraph& graph, std::span<const std::int32_t> nodes,
              const NodeFacts& out);

}  // namespace kith::cuda
