#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kith/core/array.h"
#include "kith/core/cuda/device.h"
#include "kith/graph/csr.h"

namespace kith::cuda {

/// Entries of a long row that are summed on their own.
struct SweepPiece {
  std::int64_t begin, end;
  std::int32_t row;
};
/// A long row and its pieces, one behind the other.
struct SweepHub {
  std::int32_t row, pieces;
  std::int64_t first;
};

/// How the rows of a matrix, or some of them, are spread over the device: by inspection of their lengths,
/// made once for a mirrored matrix. Rows of like length stand together, longest first, so that the groups of
/// a warp end together; rows longer than kPiece entries are cut, for one row must not be the last to end.
class SweepPlan {
 public:
  static constexpr std::int64_t kPiece = 512;

  /// On the device. `rows` empty: all. O(rows) on the host.
  SweepPlan(CudaDevice& device, CsrView<std::int32_t> a, std::span<const std::int32_t> rows);

  std::span<const std::int32_t> rows() const { return rows_.span(); }
  std::span<const SweepPiece> pieces() const { return pieces_.span(); }
  std::span<const SweepHub> hubs() const { return hubs_.span(); }

 private:
  Array<std::int32_t> rows_;
  Array<SweepPiece> pieces_;
  Array<SweepHub> hubs_;
};

/// The plan of these rows: made anew unless the matrix, and the list, are mirrored.
std::shared_ptr<const SweepPlan> plan_on(CudaDevice& device, CsrView<std::int32_t> a,
                                         std::span<const std::int32_t> rows);

}  // namespace kith::cuda
