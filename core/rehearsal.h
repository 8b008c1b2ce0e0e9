#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "kith/core/block_pool.h"
#include "kith/core/memory_kind.h"

namespace kith {

/// While it lives, the buffers that its thread makes are counted and left untouched, kernels compute nothing
/// and arrays are not filled: code that allocates, computes and frees tells what memory it needs, and takes
/// none. Large blocks are recycled as `Buffer` recycles them. The buffers must not outlive it. One per
/// thread.
class Rehearsal {
 public:
  Rehearsal();
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;
  ~Rehearsal();

  /// The largest resident set so far, split by what lived when most did; blocks that waited to be used again
  /// are workspace.
  MemoryByKind peak() const;

  /// Memory beside buffers that comes and goes at once: a vector that something is sorted in.
  void pass_through(std::int64_t bytes);

  /// This thread's, or null.
  static Rehearsal* current();

  /// Memory for a Buffer: reads as zeros. Throws MemoryError.
  std::byte* take(std::size_t bytes);
  /// False for memory that was not taken here.
  bool give(std::byte* data);

 private:
  struct Block {
    std::size_t resident = 0;  ///< the most that was asked of it
    std::size_t live = 0;
    MemoryKind kind = MemoryKind::workspace;
  };
  struct Unmapped {
    std::size_t bytes;
    void operator()(std::byte* data) const;
  };

  std::byte* fresh(std::size_t size);
  std::byte* small(std::size_t size);
  std::byte* large(std::size_t size);
  void send_back(const std::vector<BlockPool::Block>& blocks);
  void note_peak();

  std::unordered_map<std::byte*, Block> blocks_;
  std::vector<std::unique_ptr<std::byte, Unmapped>> reservations_;
  std::map<std::size_t, std::vector<std::byte*>> small_;  ///< free ones by size
  BlockPool pool_;                                        ///< of large ones
  std::int64_t resident_ = 0, live_ = 0;
  std::int64_t most_resident_ = 0, most_live_ = 0;
  MemoryByKind now_, at_most_live_;
};

/// Whether this thread rehearses.
inline bool rehearsing() { return Rehearsal::current() != nullptr; }

}  // namespace kith
