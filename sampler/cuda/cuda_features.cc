// The device looks for the rows it has and lists the others; the host fetches those into pinned memory, from
// where they go up in one copy, and one pass puts both kinds into their places.
#include "kith/sampler/cuda/cuda_features.h"

#include <algorithm>
#include <vector>

#include "kith/core/cuda/pinned.h"
#include "kith/core/error.h"
#include "kith/sampler/cuda/hot_rows.h"

namespace kith::cuda {
namespace {

/// Hot rows that are fetched at a time.
constexpr std::int64_t kRowsAtOnce = 1 << 16;

/// Pinned room for rows, kept from batch to batch. What was put there stays until the copy up has ended.
class PinnedRows {
 public:
  PinnedRows(const CudaDevice& device, std::int64_t cols) : device_(&device), cols_(cols) {}
  Tensor room(std::int64_t rows) {
    const auto bytes = static_cast<std::size_t>(rows * cols_) * sizeof(float);
    if (bytes > buffer_.bytes()) {
      buffer_ = {};
      buffer_ = CudaPinnedBuffer(*device_, bytes + bytes / 4);
    }
    return {static_cast<float*>(buffer_.data()), rows, cols_};
  }

 private:
  const CudaDevice* device_;
  std::int64_t cols_;
  CudaPinnedBuffer buffer_;
};

class CudaFeatures final : public DeviceFeatures {
 public:
  CudaFeatures(CudaDevice& device, const DeviceFeaturesContext& context, std::span<const GlobalId> hot);
  Matrix fetch(std::span<const GlobalId> nodes) override;

 private:
  void place_slots(std::int64_t nodes, std::span<const GlobalId> hot);
  void fetch_hot(Communicator& comm, std::span<const GlobalId> hot);
  /// The rows of `nodes` from the store to `out`, which lies on the device. Collective.
  void bring(std::span<const GlobalId> nodes, float* out);

  CudaDevice* device_;
  Ledger* ledger_;
  FeatureStore* store_;
  std::int64_t cols_;
  PinnedRows pinned_;
  Array<std::int32_t> slots_;  ///< empty: nothing is kept
  Matrix hot_;
};

CudaFeatures::CudaFeatures(CudaDevice& device, const DeviceFeaturesContext& context,
                           std::span<const GlobalId> hot)
    : device_(&device),
      ledger_(&context.ledger),
      store_(&context.store),
      cols_(context.store.cols()),
      pinned_(device, cols_) {
  device.use();
  if (!hot.empty()) place_slots(context.nodes, hot);
  fetch_hot(context.comm, hot);
  ledger_->add("features.device_cache_rows", static_cast<double>(hot.size()));
}

void CudaFeatures::place_slots(std::int64_t nodes, std::span<const GlobalId> hot) {
  require(std::ssize(hot) <= nodes, "a GPU keeps a row of a node once",
          {{"rows", hot.size()}, {"nodes", nodes}});
  Array<std::int32_t> slots(static_cast<std::size_t>(nodes), kNoSlot);
  for (std::size_t slot = 0; slot < hot.size(); ++slot)
    slots[hot[slot].value()] = static_cast<std::int32_t>(slot);
  const UseMemory there(device_);
  slots_ = copy_of(slots);
  hot_ = Matrix(std::ssize(hot), cols_);
}

/// Every rank fetches equally often.
void CudaFeatures::fetch_hot(Communicator& comm, std::span<const GlobalId> hot) {
  const std::int64_t rows = std::ssize(hot);
  const std::int64_t rounds =
      all_reduce_max(comm, (rows + kRowsAtOnce - 1) / kRowsAtOnce, "fetch the rows that GPUs keep");
  for (std::int64_t round = 0; round < rounds; ++round) {
    const std::int64_t begin = std::min(rows, round * kRowsAtOnce), end = std::min(rows, begin + kRowsAtOnce);
    bring(hot.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
          hot_.data() + begin * cols_);
  }
}

void CudaFeatures::bring(std::span<const GlobalId> nodes, float* out) {
  const UseMemory host(nullptr);
  const Tensor rows = pinned_.room(std::ssize(nodes));
  store_->fetch(nodes, rows);
  device_->copy(out, rows.data, static_cast<std::size_t>(rows.size()) * sizeof(float));
}

Matrix CudaFeatures::fetch(std::span<const GlobalId> nodes) {
  device_->use();
  const std::int64_t count = std::ssize(nodes);
  Staging call(Cuda{device_}, "fetch features", {{"rows", count}, {"cols", cols_}});
  const UseMemory there(device_);
  Matrix out(count, cols_);
  if (slots_.empty()) {
    bring(nodes, out.data());
    return out;
  }
  const RowSearch search{.slots = slots_.data(),
                         .nodes = call.read(nodes),
                         .count = count,
                         .found = call.scratch<std::int32_t>(count),
                         .place = call.scratch<std::int32_t>(count + 1),
                         .missing = call.scratch<GlobalId>(count)};
  find_rows(call, search);
  std::int32_t lacking = 0;
  device_->copy(&lacking, search.place + count, sizeof lacking);
  std::vector<GlobalId> missing(static_cast<std::size_t>(lacking));
  device_->copy(missing.data(), search.missing, missing.size() * sizeof(GlobalId));
  auto* arrived = call.scratch<float>(lacking * cols_);
  bring(missing, arrived);
  join_rows(call, search, {hot_.data(), arrived, cols_}, out.data());
  device_->synchronise("fetch features");
  ledger_->add("features.device_rows", static_cast<double>(count - lacking));
  return out;
}

}  // namespace

std::unique_ptr<DeviceFeatures> features(CudaDevice& device, const DeviceFeaturesContext& context,
                                         std::span<const GlobalId> hot) {
  return std::make_unique<CudaFeatures>(device, context, hot);
}

}  // namespace kith::cuda
