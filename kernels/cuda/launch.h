#pragma once
#include <cstdint>
#include <tuple>
#include <utility>

// Kernels are compiled by nvcc. The tests also compile them by the host's compiler, with an emulator of
// blocks and warps that is found under this name.
#ifdef __CUDACC__
#include <cuda_runtime.h>
#else
#include <cuda_emulator.h>
#endif

#include "kith/core/cuda/check.h"
#include "kith/kernels/cuda/staging.h"

namespace kith::cuda {

/// Threads of a block, in every kernel.
constexpr int kThreads = 256;

/// As many blocks as `threads` need.
inline dim3 blocks_for(std::int64_t threads) {
  return dim3(static_cast<unsigned>((threads + kThreads - 1) / kThreads));
}

/// Starts a kernel on the call's stream; a launch that is refused throws with the call's name and shape.
template <class... P, class... A>
void launch(const Staging& call, dim3 blocks, void (*kernel)(P...), A&&... arguments) {
  if (blocks.x == 0) return;
#ifdef __CUDACC__
  std::tuple<P...> values(std::forward<A>(arguments)...);
  void* pointers[sizeof...(P)];
  std::apply(
      [&](auto&... value) {
        int i = 0;
        ((pointers[i++] = &value), ...);
      },
      values);
  call.check(cudaLaunchKernel(reinterpret_cast<const void*>(kernel), blocks, dim3(kThreads), pointers, 0,
                              call.device().stream()));
#else
  emulated::run(call.device(), blocks, dim3(kThreads), [&] { kernel(P(arguments)...); });
#endif
}

}  // namespace kith::cuda
