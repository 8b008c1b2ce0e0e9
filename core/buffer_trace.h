#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "kith/core/memory_kind.h"

namespace kith {

/// While it lives, what its thread's rehearsal (core/rehearsal.h) does with the buffers that would lie on a
/// device: when each is made and given back, and what kernels read and write of it. Time is counted in
/// kernels. One per thread.
class BufferTrace {
 public:
  BufferTrace();
  BufferTrace(const BufferTrace&) = delete;
  BufferTrace& operator=(const BufferTrace&) = delete;
  ~BufferTrace();
  /// This thread's, or null.
  static BufferTrace* current();

  enum class Phase { load, step, evaluation };
  struct Use {
    std::int64_t passes = 0;                   ///< kernels that touch it
    double read_bytes = 0, written_bytes = 0;  ///< of all of them
  };
  struct Traced {
    std::size_t bytes = 0;
    MemoryKind kind = MemoryKind::workspace;
    int phase = 0;                             ///< the number of the phase it was made in
    std::int64_t from = 0, until = INT64_MAX;  ///< kernels, the last not among them
    std::map<int, Use> use{};                  ///< by phase
  };
  struct Stretch {
    Phase phase;
    std::int64_t from;  ///< its first kernel
  };

  /// What follows belongs to a phase of its own.
  void enter(Phase phase);
  void taken(const std::byte* data, std::size_t bytes);
  void given(const std::byte* data);
  /// A kernel begins; then what it does with a part of a buffer.
  void kernel() { ++now_; }
  void touched(const void* data, double read_bytes, double written_bytes);
  /// What a kernel needs at least at a time: bytes a row, a column and an entry.
  struct Need {
    std::int64_t row_bytes = 0, column_bytes = 0, edge_bytes = 0;
  };
  void needed(const Need& need);

  const std::vector<Traced>& buffers() const { return buffers_; }
  const std::vector<Stretch>& phases() const { return phases_; }
  /// The largest of each.
  const Need& need() const { return need_; }
  std::int64_t now() const { return now_; }

 private:
  std::vector<Traced> buffers_;
  std::vector<Stretch> phases_{{Phase::load, 0}};
  std::map<const std::byte*, std::size_t> live_;
  std::int64_t now_ = 0;
  Need need_;
};

}  // namespace kith
