// Where kernels are short, starting them is what costs: a CUDA graph starts all of a step at once. All arrays
// stay where they are, since a graph keeps their addresses.
#include <array>
#include <chrono>

#include "kith/bench/gpu/cases.h"
#include "kith/bench/gpu/timing.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/spmm.h"

namespace kith::bench {
namespace {

/// Three layers h = relu((A h) Wᵀ) between two matrices that take turns.
class Layers {
 public:
  Layers(CudaDevice& device, const NamedGraph& graph, std::int64_t cols)
      : device_(&device),
        placed_(device, graph.csr),
        w_(ramp_on(device, cols, cols)),
        h_{ramp_on(device, graph.csr.n(), cols), ramp_on(device, graph.csr.n(), cols)} {}
  void run() {
    const Backend on = Cuda{device_};
    for (int layer = 0; layer < 3; ++layer) {
      spmm(on, placed_.csr, {}, h_[0], h_[1]);
      matmul(on, Trans::no, h_[1], Trans::yes, w_, 0, h_[0]);
      relu(on, h_[0], h_[0]);
    }
  }

 private:
  CudaDevice* device_;
  PlacedGraph placed_;
  Matrix w_;
  std::array<Matrix, 2> h_;
};

/// What was captured; goes with its object.
class CapturedRun {
 public:
  template <class Run>
  CapturedRun(CudaDevice& device, Run&& run) {
    if (cudaStreamBeginCapture(device.stream(), cudaStreamCaptureModeThreadLocal) != cudaSuccess) return;
    run();
    if (cudaStreamEndCapture(device.stream(), &graph_) != cudaSuccess || graph_ == nullptr) return;
    ok_ = cudaGraphInstantiate(&ready_, graph_, 0) == cudaSuccess;
  }
  CapturedRun(const CapturedRun&) = delete;
  CapturedRun& operator=(const CapturedRun&) = delete;
  ~CapturedRun() {
    if (ready_ != nullptr) static_cast<void>(cudaGraphExecDestroy(ready_));
    if (graph_ != nullptr) static_cast<void>(cudaGraphDestroy(graph_));
  }
  bool ok() const { return ok_; }
  void launch(CudaDevice& device) const {
    check_cuda(cudaGraphLaunch(ready_, device.stream()), "launch a CUDA graph");
  }

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t ready_ = nullptr;
  bool ok_ = false;
};

/// Microseconds of a run of 20, by the host's clock: what starting them costs is the host's.
template <class Run>
double microseconds(CudaDevice& device, Run&& run) {
  constexpr int kRuns = 20;
  run();
  device.synchronise("begin a timing");
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRuns; ++i) run();
  device.synchronise("end a timing");
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / kRuns;
}

}  // namespace

Json steady_case(CudaDevice& device, const NamedGraph& graph, std::int64_t cols) {
  Layers layers(device, graph, cols);
  Json result{{"graph", graph.name}, {"nodes", graph.csr.n()}, {"edges", graph.csr.m()}, {"columns", cols}};
  result["started_one_by_one_microseconds"] = microseconds(device, [&] { layers.run(); });
  const CapturedRun captured(device, [&] { layers.run(); });
  result["captured"] = captured.ok();
  if (!captured.ok()) {
    result["why_not"] = cudaGetErrorString(cudaGetLastError());
    return result;
  }
  result["as_a_graph_microseconds"] = microseconds(device, [&] { captured.launch(device); });
  return result;
}

}  // namespace kith::bench
