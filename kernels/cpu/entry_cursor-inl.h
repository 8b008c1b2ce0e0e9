// Where a run of rows will be a while from now: what prefetches are asked for. Included once for each
// instruction set.
#if defined(KITH_KERNELS_CPU_ENTRY_CURSOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KITH_KERNELS_CPU_ENTRY_CURSOR_INL_H_
#undef KITH_KERNELS_CPU_ENTRY_CURSOR_INL_H_
#else
#define KITH_KERNELS_CPU_ENTRY_CURSOR_INL_H_
#endif

#include <cstdint>
#include <span>

#include <hwy/highway.h>

#include "kith/graph/csr.h"
#include "kith/kernels/cpu/row_chunks.h"

HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {

/// Into the second cache and beyond.
HWY_INLINE void prefetch_far(const void* p) { __builtin_prefetch(p, 0, 2); }

/// Walks the entries of the positions [begin, end) of a list of rows, over the borders of rows.
class EntryCursor {
 public:
  EntryCursor(CsrView<std::int32_t> a, std::span<const std::int32_t> rows, std::int64_t begin,
              std::int64_t end)
      : a_(a), rows_(rows), next_row_(begin), last_row_(end) {}
  /// The entries [first, last) alone.
  EntryCursor(std::int64_t first, std::int64_t last) : e_(first), end_(last) {}

  /// The next entry; -1 behind the last.
  HWY_INLINE std::int64_t next() {
    while (HWY_UNLIKELY(e_ == end_)) {
      if (next_row_ == last_row_) return -1;
      open_next_rows();
    }
    return e_++;
  }

 private:
  /// The next rows whose entries are stored one behind the other.
  HWY_NOINLINE void open_next_rows() {
    const std::int64_t end = consecutive_end(rows_, next_row_, last_row_);
    e_ = a_.indptr[row_at(rows_, next_row_)];
    end_ = a_.indptr[row_at(rows_, end - 1) + 1];
    next_row_ = end;
  }

  CsrView<std::int32_t> a_;
  std::span<const std::int32_t> rows_;
  std::int64_t next_row_ = 0, last_row_ = 0;
  std::int64_t e_ = 0, end_ = 0;
};

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();
#endif
