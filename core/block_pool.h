#pragma once
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace kith {

/// Which large blocks are used again, and which go back to the system. It knows addresses and sizes only, so
/// that a rehearsal (core/rehearsal.h) can ask what would happen. Not thread-safe.
///
/// Blocks in use and waiting never exceed the most that were in use at once by more than an eighth: batches
/// of a training differ in size, and blocks of all the sizes that ever occurred would add up to several
/// times what a step needs.
class BlockPool {
 public:
  struct Block {
    std::byte* data = nullptr;
    std::size_t bytes = 0;
  };

  /// A waiting block of at least `bytes` and at most twice as many, the smallest; null when none waits.
  std::byte* take(std::size_t bytes);
  /// What must go back to the system before a block of `bytes` is made: those that have waited longest.
  std::vector<Block> make_room(std::size_t bytes);
  /// A block that the pool does not hold is in use from now on.
  void add(std::byte* data, std::size_t bytes);
  /// The block waits. What must go back to the system now: itself, if too much waits already.
  std::vector<Block> give(std::byte* data);
  /// Everything that waits; from now on the blocks in use count as the most.
  std::vector<Block> release();

 private:
  std::size_t allowed() const { return most_in_use_ + most_in_use_ / 8; }

  std::vector<Block> waiting_;  ///< the one that has waited longest first
  std::unordered_map<std::byte*, std::size_t> used_;
  std::size_t waiting_bytes_ = 0, in_use_ = 0, most_in_use_ = 0;
};

}  // namespace kith
