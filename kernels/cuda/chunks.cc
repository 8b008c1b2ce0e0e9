#include "kith/kernels/cuda/chunks.h"

#include <algorithm>
#include <array>
#include <vector>

#include <cuda_runtime_api.h>

#include "kith/core/cuda/check.h"
#include "kith/core/cuda/handles.h"
#include "kith/core/error.h"

namespace kith::cuda {
namespace {

void wait(cudaStream_t stream, const CudaEvent& event) {
  check_cuda(cudaStreamWaitEvent(stream, event.get(), 0), "wait for a chunk");
}
void mark(cudaStream_t stream, const CudaEvent& event) {
  check_cuda(cudaEventRecord(event.get(), stream), "mark a chunk");
}

/// Where an operand's rows are during a chunk.
struct Lane {
  RowOperand operand;
  bool streamed = false;
  std::array<Scratch, 2> slots{};
};

/// In the order of the operands. One matrix that is named twice has one lane: `lane_of` tells which.
struct Lanes {
  std::vector<Lane> lanes;
  std::vector<std::size_t> lane_of;
};

Lanes lanes_of(const CudaDevice& device, std::span<const RowOperand> operands) {
  Lanes all;
  for (const RowOperand& operand : operands) {
    const auto same = std::find_if(all.lanes.begin(), all.lanes.end(), [&](const Lane& lane) {
      return lane.operand.tensor.data == operand.tensor.data;
    });
    all.lane_of.push_back(static_cast<std::size_t>(same - all.lanes.begin()));
    if (same == all.lanes.end()) {
      all.lanes.push_back({operand, operand.tensor.data != nullptr && !device.resident(operand.tensor.data)});
    } else {
      same->operand.read |= operand.read;
      same->operand.written |= operand.written;
    }
  }
  return all;
}

Tensor rows_in(const Lane& lane, int slot, std::int64_t begin, std::int64_t end) {
  const Tensor t = lane.operand.tensor;
  if (t.data == nullptr) return t;
  if (!lane.streamed) return t.row_range(begin, end);
  return {lane.slots[static_cast<std::size_t>(slot)].floats(), end - begin, t.cols};
}

}  // namespace

bool spilled(const CudaDevice& device, std::span<const RowOperand> operands) {
  return std::any_of(operands.begin(), operands.end(), [&](const RowOperand& operand) {
    const Tensor& t = operand.tensor;
    if (t.data == nullptr || t.size() == 0) return false;
    // A matrix of the host itself is copied whole where there is no limit.
    return device.spilled(t.data) || (device.limited() && !device.resident(t.data));
  });
}

std::int64_t slot_bytes(const CudaDevice& device) { return device.limit().workspace / 3; }

Scratch::Scratch(CudaDevice& device, std::int64_t bytes)
    : device_(&device), data_(bytes > 0 ? device.take_here(static_cast<std::size_t>(bytes)) : nullptr) {}

Scratch::~Scratch() {
  if (data_ != nullptr) device_->give(data_);
}

void start_copy_rows(CudaDevice& device, Tensor to, ConstTensor from) {
  const auto width = static_cast<std::size_t>(from.cols) * sizeof(float);
  const std::size_t bytes = width * static_cast<std::size_t>(from.rows);
  if (bytes == 0) return;
  if (to.contiguous() && from.contiguous()) return device.start_copy(to.data, from.data, bytes);
  check_cuda(cudaMemcpy2DAsync(to.data, static_cast<std::size_t>(to.stride) * sizeof(float), from.data,
                               static_cast<std::size_t>(from.stride) * sizeof(float), width,
                               static_cast<std::size_t>(from.rows), cudaMemcpyDefault, device.stream()),
             "copy rows", {{"rows", from.rows}, {"cols", from.cols}});
  const bool to_device = device.resident(to.data), from_device = device.resident(from.data);
  device.count_staged(to_device && !from_device ? bytes : 0, from_device && !to_device ? bytes : 0);
}

void run_chunks(CudaDevice& device, std::int64_t chunks, const ChunkStages& stages) {
  const CudaStream in, out;
  const cudaStream_t main = device.stream();
  const CudaEvent begun;
  const std::array<CudaEvent, 2> arrived, computed, left;
  mark(main, begun);
  wait(in.get(), begun);
  wait(out.get(), begun);
  const auto arrive = [&](std::int64_t chunk) {
    const auto slot = static_cast<std::size_t>(chunk % 2);
    const CudaUseStream use(in.get());
    if (chunk >= 2) wait(in.get(), left[slot]);
    stages.arrive(chunk, static_cast<int>(slot));
    mark(in.get(), arrived[slot]);
  };
  arrive(0);
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    const auto slot = static_cast<std::size_t>(chunk % 2);
    wait(main, arrived[slot]);
    stages.compute(chunk, static_cast<int>(slot));
    mark(main, computed[slot]);
    {
      const CudaUseStream use(out.get());
      wait(out.get(), computed[slot]);
      stages.leave(chunk, static_cast<int>(slot));
      mark(out.get(), left[slot]);
    }
    // Behind the launch of this chunk's kernels: a copy from memory that is not pinned keeps the host.
    if (chunk + 1 < chunks) arrive(chunk + 1);
  }
  check_cuda(cudaStreamSynchronize(in.get()), "wait for chunks");
  check_cuda(cudaStreamSynchronize(out.get()), "wait for chunks");
  device.synchronise("wait for chunks");
}

void over_row_chunks(CudaDevice& device, std::span<const RowOperand> operands,
                     const std::function<void(const RowPart&)>& body) {
  Lanes all = lanes_of(device, operands);
  const std::int64_t rows = operands.front().tensor.rows;
  std::int64_t row_bytes = 0;
  for (const Lane& lane : all.lanes)
    row_bytes += lane.streamed ? lane.operand.tensor.cols * static_cast<std::int64_t>(sizeof(float)) : 0;
  const std::int64_t most = std::clamp<std::int64_t>(
      slot_bytes(device) / std::max<std::int64_t>(row_bytes, 1), 1, std::max<std::int64_t>(rows, 1));
  const std::int64_t chunks = (rows + most - 1) / most;
  for (Lane& lane : all.lanes)
    for (std::size_t slot = 0;
         lane.streamed && slot < static_cast<std::size_t>(std::min<std::int64_t>(chunks, 2)); ++slot)
      lane.slots[slot] =
          Scratch(device, most * lane.operand.tensor.cols * static_cast<std::int64_t>(sizeof(float)));
  const auto range = [&](std::int64_t chunk) {
    return std::pair(chunk * most, std::min(rows, (chunk + 1) * most));
  };
  run_chunks(device, chunks,
             {.arrive =
                  [&](std::int64_t chunk, int slot) {
                    const auto [begin, end] = range(chunk);
                    for (const Lane& lane : all.lanes)
                      if (lane.streamed && lane.operand.read)
                        start_copy_rows(device, rows_in(lane, slot, begin, end),
                                        lane.operand.tensor.row_range(begin, end));
                  },
              .compute =
                  [&](std::int64_t chunk, int slot) {
                    const auto [begin, end] = range(chunk);
                    std::vector<Tensor> here;
                    for (const std::size_t lane : all.lane_of)
                      here.push_back(rows_in(all.lanes[lane], slot, begin, end));
                    body(RowPart(begin, end, operands, std::move(here)));
                  },
              .leave =
                  [&](std::int64_t chunk, int slot) {
                    const auto [begin, end] = range(chunk);
                    for (const Lane& lane : all.lanes)
                      if (lane.streamed && lane.operand.written)
                        start_copy_rows(device, lane.operand.tensor.row_range(begin, end),
                                        rows_in(lane, slot, begin, end));
                  }});
}

}  // namespace kith::cuda
