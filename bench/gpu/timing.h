#pragma once
#include <algorithm>
#include <vector>

#include <cuda_runtime_api.h>

#include "kith/core/cuda/device.h"
#include "kith/core/cuda/handles.h"
#include "kith/core/tensor.h"
#include "kith/graph/csr.h"

namespace kith::bench {

/// Inputs rotate, so that no run finds the last one's rows in the cache.
constexpr int kRotation = 2;
constexpr int kRepeats = 11;

/// Median milliseconds, by events of the device, of run(0), run(1), … after one of each.
template <class Run>
double milliseconds(CudaDevice& device, Run&& run) {
  for (int i = 0; i < kRotation; ++i) run(i);
  std::vector<double> times;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const CudaEvent begin, end;
    check_cuda(cudaEventRecord(begin.get(), device.stream()), "begin a timing");
    run(repeat % kRotation);
    check_cuda(cudaEventRecord(end.get(), device.stream()), "end a timing");
    device.synchronise("a timing");
    float time = 0;
    check_cuda(cudaEventElapsedTime(&time, begin.get(), end.get()), "read a timing");
    times.push_back(time);
  }
  std::nth_element(times.begin(), times.begin() + kRepeats / 2, times.end());
  return times[kRepeats / 2];
}

/// Values between 0 and 1, on the device.
inline Matrix ramp_on(CudaDevice& device, std::int64_t rows, std::int64_t cols) {
  Matrix x(rows, cols);
  for (std::int64_t k = 0; k < x.size(); ++k) x.data()[k] = static_cast<float>(k % 1000) * 1e-3f;
  const UseMemory there(&device);
  return copy_of(x);
}

/// A graph with its arrays on the device.
struct PlacedGraph {
  PlacedGraph(CudaDevice& device, const Csr32& a)
      : csr(a),
        indptr(device, a.indptr.data(), a.indptr.size() * 8),
        indices(device, a.indices.data(), a.indices.size() * 4) {}
  CsrView<std::int32_t> csr;
  CudaMirror indptr, indices;
};

}  // namespace kith::bench
