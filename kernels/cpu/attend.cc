#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "kith/kernels/cpu/fused_attention.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/attend.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kith/kernels/cpu/attention_sweep-inl.h"

// The forward sweep: per row and head the largest score so far, the sum of exponentials relative to it and
// the sum of rows weighted by them. A block with a larger score scales both sums down (Milakov & Gimelshein
// 2018).
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {

template <bool kAdditive, class DH, int kWhole>
class ForwardSweep {
  using VH = hn::Vec<DH>;

 public:
  explicit ForwardSweep(const AttentionForward& call)
      : call_(call),
        s_(call.sweep),
        block_(s_),
        heads_(s_.heads),
        cols_(s_.heads * s_.width),
        state_(static_cast<std::size_t>(2 * heads_ + cols_)),
        shrink_(static_cast<std::size_t>(heads_)) {
    largest_ = state_.data();
    sum_ = largest_ + heads_;
    row_sum_ = sum_ + heads_;
  }

  std::int64_t per_block() const { return block_.per_block; }
  std::span<const float> state() const { return state_; }
  Prefetcher prefetcher(const EntryCursor& cursor) const {
    if (kAdditive) return {cursor, s_.a.indices.data(), {s_.x}};
    return {cursor, s_.a.indices.data(), {s_.x, s_.other}};
  }

  void begin(std::int64_t row) {
    row_ = row;
    std::fill_n(largest_, heads_, -std::numeric_limits<float>::infinity());
    std::fill_n(sum_, heads_ + cols_, 0.0f);
  }

  HWY_INLINE void block(std::int64_t first, std::int64_t count, Prefetcher& ahead) {
    block_.count = count;
    for (std::int64_t k = 0; k < count; ++k) {
      const std::int64_t column = s_.a.indices[first + k];
      block_.others[k] = s_.other.row(column);
      block_.rows[k] = s_.x.row(column);
    }
    const auto step = [&]() HWY_ATTR { ahead.step(); };
    if constexpr (kAdditive) {
      block_.multiply_scores(s_.own.row(row_), in_turn<2, 0>(step));
    } else {
      block_.add_scores(s_.own.row(row_), in_turn<2, 0>(step));
    }
    shift();
    block_.exponentiate();
    add_exponentials();
    if (s_.drops) drop(first);
    add_rows(block_.shape, block_.rows, block_.weight, count, shrink_.data(), row_sum_, in_turn<2, 1>(step));
  }

  void merge(const float* state) {
    const float *sum = state + heads_, *row_sum = sum + heads_;
    for (std::int64_t h = 0; h < heads_; ++h) {
      const float largest = std::max(largest_[h], state[h]);
      const float own = std::exp(largest_[h] - largest), other = std::exp(state[h] - largest);
      largest_[h] = largest;
      sum_[h] = own * sum_[h] + other * sum[h];
      for (std::int64_t j = h * s_.width; j < (h + 1) * s_.width; ++j)
        row_sum_[j] = own * row_sum_[j] + other * row_sum[j];
    }
  }

  void finish(std::int64_t row, std::int64_t) {
    float* y = call_.y.row(row);
    float* log_sums = call_.log_sums.row(row);
    for (std::int64_t h = 0; h < heads_; ++h) {
      const bool none = sum_[h] == 0;
      log_sums[h] = none ? 0 : largest_[h] + std::log(sum_[h]);
      const float scale = none ? 0 : 1 / sum_[h];
      for (std::int64_t j = h * s_.width; j < (h + 1) * s_.width; ++j) y[j] = scale * row_sum_[j];
    }
  }

 private:
  /// Scores relative to the largest so far, and what that shrinks the sums by.
  HWY_INLINE void shift() {
    const DH d;
    over_heads<DH>(heads_, [&](std::int64_t h) HWY_ATTR {
      const VH before = hn::LoadU(d, largest_ + h);
      VH largest = before;
      for (std::int64_t k = 0; k < block_.count; ++k)
        largest = hn::Max(largest, hn::LoadU(d, block_.score + k * heads_ + h));
      hn::StoreU(largest, d, largest_ + h);
      hn::StoreU(hn::Exp(d, hn::Sub(before, largest)), d, shrink_.data() + h);
      for (std::int64_t k = 0; k < block_.count; ++k) {
        float* score = block_.score + k * heads_ + h;
        hn::StoreU(hn::Sub(hn::LoadU(d, score), largest), d, score);
      }
    });
  }
  HWY_INLINE void add_exponentials() {
    const DH d;
    over_heads<DH>(heads_, [&](std::int64_t h) HWY_ATTR {
      VH sum = hn::Zero(d);
      for (std::int64_t k = 0; k < block_.count; ++k)
        sum = hn::Add(sum, hn::LoadU(d, block_.weight + k * heads_ + h));
      hn::StoreU(hn::MulAdd(hn::LoadU(d, shrink_.data() + h), hn::LoadU(d, sum_ + h), sum), d, sum_ + h);
    });
  }
  HWY_INLINE void drop(std::int64_t first) {
    block_.draw_entries_of_row(row_, first);
    over_vectors(block_.count * heads_, [&](std::int64_t j) HWY_ATTR {
      hn::StoreU(hn::Mul(hn::LoadU(Tag(), block_.weight + j), hn::LoadU(Tag(), block_.factor + j)), Tag(),
                 block_.weight + j);
    });
  }

  const AttentionForward& call_;
  const AttentionSweep& s_;
  AttentionBlock<DH, kWhole> block_;
  std::int64_t heads_, cols_, row_ = 0;
  std::vector<float> state_, shrink_;
  float *largest_, *sum_, *row_sum_;
};

void attend_task(const AttentionForward& call, const SweepTask& task) {
  run_shaped<ForwardSweep>(call, task);
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {

HWY_EXPORT(attend_task);

void attend(const AttentionForward& call) {
  const AttentionSweep& s = call.sweep;
  if (s.a.n() == 0) return;
  RowSweep(s.a, s.rows).run(2 * s.heads + s.heads * s.width, [&](const SweepTask& task) {
    HWY_DYNAMIC_DISPATCH(attend_task)(call, task);
  });
}

}  // namespace kith
#endif
