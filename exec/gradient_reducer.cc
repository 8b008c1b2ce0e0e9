#include "kith/exec/gradient_reducer.h"

namespace kith {

GradientReducer::GradientReducer(Communicator& comm, Ledger& ledger, const ParameterGradients& gradients,
                                 std::int64_t bucket_bytes)
    : comm_(&comm), ledger_(&ledger), bucket_of_(gradients.size()) {
  // The flat gradient holds the last parameter first: walking it forward is the order of readiness.
  for (std::size_t i = gradients.size(); i-- > 0;) {
    if (buckets_.empty() || (buckets_.back().end - buckets_.back().begin) * 4 >= bucket_bytes)
      buckets_.push_back({.begin = gradients.offset(i), .end = gradients.offset(i)});
    Bucket& bucket = buckets_.back();
    bucket.end += gradients.of(i).size();
    bucket.missing = ++bucket.parameters;
    bucket_of_[i] = buckets_.size() - 1;
  }
}

void GradientReducer::ready(ParameterGradients& gradients, std::size_t parameter) {
  if (comm_->size() == 1) return;
  --buckets_[bucket_of_[parameter]].missing;
  start_ready_buckets(gradients);
  for (Pending& operation : pending_) operation->test();
}

void GradientReducer::start_ready_buckets(ParameterGradients& gradients) {
  const UseMemory host(nullptr);
  flat_ = gradients.flat();
  while (started_ < buckets_.size() && buckets_[started_].missing == 0) {
    Bucket& bucket = buckets_[started_++];
    const auto size = static_cast<std::size_t>(bucket.end - bucket.begin);
    auto values = flat_.subspan(static_cast<std::size_t>(bucket.begin), size);
    if (!gradients.on_host() && comm_->device_memory() == nullptr) {
      bucket.staged = host_copy_of(std::span<const float>(values));
      values = bucket.staged.span();
    }
    pending_.push_back(comm_->start_all_reduce_sum(values, "gradient all-reduce"));
    ledger_->add("gradients.bytes", static_cast<double>(size * sizeof(float)));
    ledger_->add("gradients.messages", 1);
  }
}

void GradientReducer::finish() {
  if (comm_->size() == 1) return;
  require(started_ == buckets_.size(), "every gradient was announced before the sum is waited for",
          {{"buckets started", started_}, {"buckets", buckets_.size()}});
  comm_->wait_all(std::move(pending_));
  pending_.clear();
  started_ = 0;
  for (Bucket& bucket : buckets_) {
    bucket.missing = bucket.parameters;
    const Array<float> sums = std::exchange(bucket.staged, {});
    copy_values(sums.span(), flat_.subspan(static_cast<std::size_t>(bucket.begin), sums.size()));
  }
}

}  // namespace kith
