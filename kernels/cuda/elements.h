#pragma once
#include "kith/kernels/cuda/lanes.h"

// Loops over the elements of matrices, one a thread.
namespace kith::cuda {

/// body(i, j) for element e of [rows, cols]. Divisions of 64 bits cost as much as the loads, so they are
/// avoided where 32 are enough.
template <class Body>
__global__ void __launch_bounds__(kThreads) for_elements(Body body, std::int64_t count, std::int64_t cols) {
  const std::int64_t e = thread_number();
  if (e >= count) return;
  if (count <= 0x7fffffff) {
    const auto narrow = static_cast<unsigned>(e), width = static_cast<unsigned>(cols);
    body(std::int64_t{narrow / width}, std::int64_t{narrow % width});
  } else {
    body(e / cols, e % cols);
  }
}

template <class Body>
void over_elements(const Staging& call, std::int64_t rows, std::int64_t cols, Body body) {
  launch(call, blocks_for(rows * cols), for_elements<Body>, body, rows * cols, cols);
}

/// body(group, lane) for groups of 32 lanes.
template <class Body>
__global__ void __launch_bounds__(kThreads) for_warps(Body body, std::int64_t count) {
  const std::int64_t warp = thread_number() / 32;
  if (warp < count) body(warp, static_cast<int>(thread_number() % 32));
}
template <class Body>
void over_warps(const Staging& call, std::int64_t count, Body body) {
  launch(call, blocks_for(count * 32), for_warps<Body>, body, count);
}

/// Memory that is read before it is overwritten is not read when its factor is 0.
__device__ inline float scaled(float beta, float old) { return beta == 0 ? 0.0f : beta * old; }

}  // namespace kith::cuda
