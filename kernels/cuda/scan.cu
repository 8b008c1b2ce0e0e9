// Prefix sums in three sweeps: every block sums a tile, one block sums the tiles' sums up, and every block
// goes through its tile once more from what stands before it. Sums of integers: the order does not matter.
#include "kith/kernels/cuda/lanes.h"
#include "kith/kernels/cuda/scan.h"

namespace kith::cuda {
namespace {

constexpr int kEach = 8;
constexpr std::int64_t kTile = std::int64_t{kThreads} * kEach;

/// What stands before this thread's value among its block's, and the sum of all of them. The whole block
/// calls.
struct BlockPrefix {
  std::int64_t before = 0, total = 0;
};
__device__ inline BlockPrefix block_prefix(std::int64_t value) {
  __shared__ std::int64_t warps[kThreads / 32];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  BlockPrefix prefix;
  // `sum` is that of an aligned stretch of lanes, which the next step doubles.
  std::int64_t sum = value;
  for (int offset = 1; offset < 32; offset *= 2) {
    const std::int64_t other = __shfl_xor_sync(0xffffffffu, sum, offset);
    if ((lane & offset) != 0) prefix.before += other;
    sum += other;
  }
  __syncthreads();  // those of the call before have read
  if (lane == 0) warps[warp] = sum;
  __syncthreads();
  for (int w = 0; w < kThreads / 32; ++w) {
    if (w < warp) prefix.before += warps[w];
    prefix.total += warps[w];
  }
  return prefix;
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    sum_tiles(const T* values, std::int64_t count, std::int64_t* sums) {
  const std::int64_t first = std::int64_t{blockIdx.x} * kTile + std::int64_t{threadIdx.x} * kEach;
  std::int64_t sum = 0;
  for (int k = 0; k < kEach; ++k)
    if (first + k < count) sum += values[first + k];
  const BlockPrefix prefix = block_prefix(sum);
  if (threadIdx.x == 0) sums[blockIdx.x] = prefix.total;
}

/// Of one block: sums[i] becomes what stands before tile i.
__global__ void __launch_bounds__(kThreads) sum_up(std::int64_t* sums, std::int64_t tiles) {
  std::int64_t carried = 0;
  for (std::int64_t first = 0; first < tiles; first += kThreads) {
    const std::int64_t i = first + threadIdx.x;
    const BlockPrefix prefix = block_prefix(i < tiles ? sums[i] : 0);
    if (i < tiles) sums[i] = carried + prefix.before;
    carried += prefix.total;
  }
}

template <class T, class Sum>
__global__ void __launch_bounds__(kThreads)
    write_prefixes(const T* values, std::int64_t count, const std::int64_t* before, Sum* out) {
  const std::int64_t first = std::int64_t{blockIdx.x} * kTile + std::int64_t{threadIdx.x} * kEach;
  T mine[kEach];
  std::int64_t sum = 0;
  for (int k = 0; k < kEach; ++k) {
    mine[k] = first + k < count ? values[first + k] : T{0};
    sum += mine[k];
  }
  std::int64_t at = before[blockIdx.x] + block_prefix(sum).before;
  for (int k = 0; k < kEach; ++k) {
    if (first + k >= count) break;
    out[first + k] = static_cast<Sum>(at);
    at += mine[k];
    if (first + k + 1 == count) out[count] = static_cast<Sum>(at);
  }
}

template <class T, class Sum>
void sum_before(Staging& call, const T* values, std::int64_t count, Sum* out) {
  if (count == 0) return call.device().set_zero(out, sizeof(Sum));
  const std::int64_t tiles = (count + kTile - 1) / kTile;
  auto* sums = call.scratch<std::int64_t>(tiles);
  const dim3 blocks(static_cast<unsigned>(tiles));
  launch(call, blocks, sum_tiles<T>, values, count, sums);
  launch(call, dim3(1), sum_up, sums, tiles);
  launch(call, blocks, write_prefixes<T, Sum>, values, count, sums, out);
}

}  // namespace

void exclusive_sum(Staging& call, const std::uint8_t* values, std::int64_t count, std::int32_t* out) {
  sum_before(call, values, count, out);
}
void exclusive_sum(Staging& call, const std::uint32_t* values, std::int64_t count, std::int64_t* out) {
  sum_before(call, values, count, out);
}

}  // namespace kith::cuda
