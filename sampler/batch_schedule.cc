#include <algorithm>
#include <numeric>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/datasets/sound.h"
#include "kith/sampler/neighbour_sampler.h"

namespace kith {

BatchSchedule::BatchSchedule(const PartitionedStore& parts, const SamplerOptions& options)
    : batch_size_(options.batch_size), seed_(options.seed) {
  require(batch_size_ >= 1, "a batch has at least one seed", {{"batch-size", batch_size_}});
  std::vector<std::pair<StoreId, GlobalId>> train;
  for (Part part{0}; part.value() < parts.k(); ++part) {
    expect_sound_splits(parts, part);
    const PartView view = parts.part(part);
    for (const std::int64_t node : view.split[0])
      train.emplace_back(view.store_ids[node - view.first], GlobalId{node});
  }
  std::sort(train.begin(), train.end());
  for (const auto& [store_id, global_id] : train) {
    train_store_ids_.push_back(store_id);
    train_.push_back(global_id);
  }
}

std::int64_t BatchSchedule::train_nodes() const { return static_cast<std::int64_t>(train_.size()); }

std::int64_t BatchSchedule::batches_per_epoch() const {
  return (train_nodes() + batch_size_ - 1) / batch_size_;
}

std::span<const GlobalId> BatchSchedule::seeds(std::int64_t epoch, std::int64_t batch) {
  require(0 <= batch && batch < batches_per_epoch(), "the batch lies in the epoch",
          {{"batch", batch}, {"batches", batches_per_epoch()}});
  if (epoch != order_epoch_) shuffle(epoch);
  const std::int64_t begin = batch * batch_size_;
  return std::span<const GlobalId>(order_).subspan(begin, std::min(batch_size_, train_nodes() - begin));
}

void BatchSchedule::shuffle(std::int64_t epoch) {
  struct Draw {
    std::uint64_t key;
    std::int64_t index;  ///< ascending store ids, so it breaks ties as they would
    auto operator<=>(const Draw&) const = default;
  };
  std::vector<Draw> draws(train_.size());
  const PhiloxKey key = philox_key(seed_, Stream::batches, 0);
  parallel_for(0, train_nodes(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      draws[i] = {word64(draw_words(key, train_store_ids_[i], static_cast<std::uint32_t>(epoch), 0), 0), i};
  });
  std::sort(draws.begin(), draws.end());
  order_.resize(train_.size());
  for (std::size_t i = 0; i < draws.size(); ++i) order_[i] = train_[draws[i].index];
  order_epoch_ = epoch;
}

}  // namespace kith
