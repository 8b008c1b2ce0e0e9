#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>

namespace kith {

/// What memory of a training run is for.
enum class MemoryKind {
  program,      ///< binaries, MPI and threads, before anything is loaded
  mapped,       ///< pages of the store, shared by the ranks of a host; given back when memory is short
  graph,        ///< rows, transposes, scales, plans, splits and labels
  features,     ///< of owned and halo rows, and aggregates of them that are kept
  cache,        ///< remote feature rows of mini-batches
  parameters,   ///< with the optimiser's moments and the best weights
  activations,  ///< made by the forward pass
  gradients,    ///< of activations and parameters
  halo,         ///< rows on their way to and from other ranks
  batches,      ///< mini-batches that are ready or in training, and what the sampler keeps
  evaluation,   ///< the forward pass over the full graph between epochs
  workspace     ///< the rest, and blocks that wait to be used again
};
constexpr std::size_t kMemoryKinds = static_cast<std::size_t>(MemoryKind::workspace) + 1;

/// "activations", as JSON and the terminal write it.
std::string_view name_of(MemoryKind kind);

struct MemoryByKind {
  std::array<std::int64_t, kMemoryKinds> bytes{};
  std::int64_t& operator[](MemoryKind kind) { return bytes[static_cast<std::size_t>(kind)]; }
  std::int64_t operator[](MemoryKind kind) const { return bytes[static_cast<std::size_t>(kind)]; }
  std::int64_t total() const { return std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}); }
};

/// What the buffers made from now on by this thread are for, as long as it lives; the innermost counts.
class MemoryUse {
 public:
  explicit MemoryUse(MemoryKind kind);
  MemoryUse(const MemoryUse&) = delete;
  MemoryUse& operator=(const MemoryUse&) = delete;
  ~MemoryUse();
  static MemoryKind current();

 private:
  MemoryKind outer_;
};

}  // namespace kith
