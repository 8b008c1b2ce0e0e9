#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "kith/comm/communicator.h"
#include "kith/comm/shared_memory.h"

namespace kith {

/// Memory that all ranks of a communicator share because they are on one host: for each rank a ring of slots
/// and three counters of the segments it has passed. Segments are numbered through all collectives of the
/// communicator, which every rank starts in the same order; so the counters alone order them.
class SharedScratch {
 public:
  static constexpr std::int64_t kSlots = 4;
  static constexpr std::size_t kSegmentBytes = 64 * 1024;

  /// Null unless every rank is on one host and could map the memory. Collective.
  static std::unique_ptr<SharedScratch> make(Communicator& comm);

  /// What a rank has done, in segments: only that rank writes it.
  struct alignas(128) Passed {
    std::atomic<std::int64_t> copied;  ///< its values lie in its slot
    std::atomic<std::int64_t> folded;  ///< the sum of its piece lies in its slot
    std::atomic<std::int64_t> read;    ///< it needs no slot of that segment any more
  };
  Passed& passed(int rank) const;
  std::byte* slot(int rank, std::int64_t segment) const;
  /// The first of `segments` numbers for a collective that starts now.
  std::int64_t reserve(std::int64_t segments) {
    reserved_ += segments;
    return reserved_ - segments;
  }

 private:
  SharedScratch(std::unique_ptr<SharedMemory> memory, int ranks)
      : memory_(std::move(memory)), ranks_(ranks) {}
  std::unique_ptr<SharedMemory> memory_;
  int ranks_;
  std::int64_t reserved_ = 0;
};

}  // namespace kith
