#include <span>
#include <vector>

#include "kith/kernels/cpu/fused_attention.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/attend_backward_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kith/kernels/cpu/attention_sweep-inl.h"

// The gradient of the destinations' side in one sweep. With dα_e = mask ⟨dy_i, x_c⟩, D_i = Σ_e α_e dα_e and
// f_e what a score's gradient is multiplied by on its way to the destination (GAT: the rectifier's slope;
// GATv2: att times the slope, as wide as the rows), it is
//   Σ_e α_e (dα_e − D_i) f_e = Σ_e α_e dα_e f_e − D_i Σ_e α_e f_e,
// so that D_i need not be known before.
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {

template <bool kAdditive, class DH, int kWhole>
class RowGradientSweep {
  using VH = hn::Vec<DH>;

 public:
  explicit RowGradientSweep(const AttentionRowGradients& call)
      : call_(call),
        s_(call.sweep),
        block_(s_),
        heads_(s_.heads),
        side_(kAdditive ? s_.heads * s_.width : s_.heads),
        state_(static_cast<std::size_t>(heads_ + 2 * side_)),
        rectified_(kAdditive ? static_cast<std::size_t>(side_) : 0) {
    inner_ = state_.data();
    with_dalpha_ = inner_ + heads_;
    plain_ = with_dalpha_ + side_;
    for (std::size_t j = 0; j < rectified_.size(); ++j) rectified_[j] = s_.slope * s_.att[j];
  }

  std::int64_t per_block() const { return block_.per_block; }
  std::span<const float> state() const { return state_; }
  Prefetcher prefetcher(const EntryCursor& cursor) const {
    if (kAdditive) return {cursor, s_.a.indices.data(), {s_.x}};
    return {cursor, s_.a.indices.data(), {s_.x, s_.other}};
  }

  void begin(std::int64_t row) {
    row_ = row;
    std::fill(state_.begin(), state_.end(), 0.0f);
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
    block_.multiply_rows(call_.dy.row(row_), in_turn<2, 1>(step));
    weigh();
    if (s_.drops) block_.draw_entries_of_row(row_, first);
    multiply_by_dalpha();
    add_inner();
    if constexpr (kAdditive) add_sides();
  }

  void merge(const float* state) { add_to(state, static_cast<std::int64_t>(state_.size()), state_.data()); }

  void finish(std::int64_t row, std::int64_t) {
    const float* inner = call_.inner.data != nullptr ? call_.inner.row(row) : inner_;
    float* facts = call_.facts.row(row);
    if (!kAdditive) facts = std::copy_n(s_.own.row(row), heads_, facts);
    facts = std::copy_n(call_.log_sums.row(row), heads_, facts);
    std::copy_n(inner, heads_, facts);
    if (call_.d_own.data == nullptr) return;
    float* out = call_.d_own.row(row);
    for (std::int64_t j = 0; j < side_; ++j) {
      const float value = with_dalpha_[j] - inner[kAdditive ? j / s_.width : j] * plain_[j];
      out[j] = call_.beta == 0 ? value : call_.beta * out[j] + value;
    }
  }

 private:
  /// weight = α.
  HWY_INLINE void weigh() {
    const DH d;
    over_heads<DH>(heads_, [&](std::int64_t h) HWY_ATTR {
      const VH log_sum = hn::LoadU(d, call_.log_sums.row(row_) + h);
      for (std::int64_t k = 0; k < block_.count; ++k) {
        float* score = block_.score + k * heads_ + h;
        hn::StoreU(hn::Sub(hn::LoadU(d, score), log_sum), d, score);
      }
    });
    block_.exponentiate();
  }
  /// product = α dα.
  HWY_INLINE void multiply_by_dalpha() {
    over_vectors(block_.count * heads_, [&](std::int64_t j) HWY_ATTR {
      V value = hn::Mul(hn::LoadU(Tag(), block_.weight + j), hn::LoadU(Tag(), block_.product + j));
      if (s_.drops) value = hn::Mul(value, hn::LoadU(Tag(), block_.factor + j));
      hn::StoreU(value, Tag(), block_.product + j);
    });
  }
  HWY_INLINE void add_inner() {
    const DH d;
    over_heads<DH>(heads_, [&](std::int64_t h) HWY_ATTR {
      VH inner = hn::Zero(d), with_dalpha = inner, plain = inner;
      for (std::int64_t k = 0; k < block_.count; ++k) {
        const std::int64_t at = k * heads_ + h;
        const VH term = hn::LoadU(d, block_.product + at);
        inner = hn::Add(inner, term);
        if constexpr (kAdditive) continue;
        const VH slope = hn::LoadU(d, block_.rectifier + at);
        with_dalpha = hn::MulAdd(term, slope, with_dalpha);
        plain = hn::MulAdd(hn::LoadU(d, block_.weight + at), slope, plain);
      }
      add(inner, inner_ + h);
      if constexpr (kAdditive) return;
      add(with_dalpha, with_dalpha_ + h);
      add(plain, plain_ + h);
    });
  }
  static HWY_INLINE void add(VH value, float* sum) {
    hn::StoreU(hn::Add(hn::LoadU(DH(), sum), value), DH(), sum);
  }

  HWY_INLINE void add_sides() {
    const float* own = s_.own.row(row_);
    over_strips<HWY_TARGET == HWY_AVX2 ? 2 : 4>(
        block_.shape.vectors, [&](std::int64_t first, auto vectors) HWY_ATTR {
          constexpr int kVectors = decltype(vectors)::value;
          const HeadStrip<kVectors, kWhole> at(block_.shape, first);
          V side[kVectors], att[kVectors], rectified[kVectors], with_dalpha[kVectors], plain[kVectors];
          const auto load = [&](const float* p, V* out) HWY_ATTR {
            for (int v = 0; v < kVectors; ++v) out[v] = block_.shape.load(p + at.offset(v), at.partial(v));
          };
          load(own, side);
          load(s_.att, att);
          load(rectified_.data(), rectified);
          load(with_dalpha_, with_dalpha);
          load(plain_, plain);
          for (std::int64_t k = 0; k < block_.count; ++k) {
            const float *product = block_.product + k * heads_, *weight = block_.weight + k * heads_;
            for (int v = 0; v < kVectors; ++v) {
              const V z = hn::Add(side[v], block_.shape.load(block_.others[k] + at.offset(v), at.partial(v)));
              const V f = hn::IfThenElse(hn::Gt(z, hn::Zero(Tag())), att[v], rectified[v]);
              with_dalpha[v] = hn::MulAdd(hn::Set(Tag(), product[at.head(v)]), f, with_dalpha[v]);
              plain[v] = hn::MulAdd(hn::Set(Tag(), weight[at.head(v)]), f, plain[v]);
            }
          }
          for (int v = 0; v < kVectors; ++v) {
            block_.shape.store(with_dalpha[v], with_dalpha_ + at.offset(v), at.partial(v));
            block_.shape.store(plain[v], plain_ + at.offset(v), at.partial(v));
          }
        });
  }

  const AttentionRowGradients& call_;
  const AttentionSweep& s_;
  AttentionBlock<DH, kWhole> block_;
  std::int64_t heads_, side_, row_ = 0;
  std::vector<float> state_, rectified_;
  float *inner_, *with_dalpha_, *plain_;
};

void row_gradients_task(const AttentionRowGradients& call, const SweepTask& task) {
  run_shaped<RowGradientSweep>(call, task);
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {

HWY_EXPORT(row_gradients_task);

void attention_row_gradients(const AttentionRowGradients& call) {
  const AttentionSweep& s = call.sweep;
  if (s.a.n() == 0) return;
  const std::int64_t side = s.att != nullptr ? s.heads * s.width : s.heads;
  RowSweep(s.a, s.rows).run(s.heads + 2 * side, [&](const SweepTask& task) {
    HWY_DYNAMIC_DISPATCH(row_gradients_task)(call, task);
  });
}

}  // namespace kith
#endif
