#pragma once
#include <cstdint>

#include "kith/core/ids.h"
#include "kith/kernels/cuda/staging.h"

// Which rows of a list a device has, and putting them beside those that it was given. All pointers are the
// device's; nothing waits.
namespace kith::cuda {

constexpr std::int32_t kNoSlot = -1;

/// Rows of a list of nodes: where each is kept, and which are not.
struct RowSearch {
  const std::int32_t* slots = nullptr;  ///< [graph's nodes]: where a node's row is kept, or kNoSlot
  const GlobalId* nodes = nullptr;      ///< [count]
  std::int64_t count = 0;
  std::int32_t* found = nullptr;  ///< [count] its slot
  std::int32_t* place = nullptr;  ///< [count + 1] how many before it are not kept; the last: of all
  GlobalId* missing = nullptr;    ///< [count] those that are not kept, in order
};
void find_rows(Staging& call, const RowSearch& search);

/// out[i] = kept[found[i]] or, where there is none, arrived[place[i]]; rows of `cols` floats, one behind the
/// other.
struct RowSources {
  const float *kept = nullptr, *arrived = nullptr;
  std::int64_t cols = 0;
};
void join_rows(Staging& call, const RowSearch& search, const RowSources& from, float* out);

}  // namespace kith::cuda
