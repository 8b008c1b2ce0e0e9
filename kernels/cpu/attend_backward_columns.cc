#include <array>
#include <span>
#include <vector>

#include "kith/kernels/cpu/fused_attention.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/attend_backward_columns.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kith/kernels/cpu/attention_sweep-inl.h"

// The gradient of the sources' side in one sweep over the transpose: row j is a source, its entries are the
// destinations i that hear it. α and dα are made again from both ends, and with D_i at hand
//   ds_e = α_e (dα_e − D_i), dx_j = Σ_e mask α_e dy_i, and
//   GAT:   dright_j = Σ_e ds_e slope_e, which reaches x_j through a_src (and dleft_j through a_dst),
//   GATv2: dx_j also gets Σ_e ds_e att slope_e, and d_att = Σ_e ds_e leaky_relu(z_e) over all entries.
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {

template <bool kAdditive, class DH, int kWhole>
class ColumnGradientSweep {
  using VH = hn::Vec<DH>;

 public:
  explicit ColumnGradientSweep(const AttentionColumnGradients& call)
      : call_(call),
        s_(call.sweep),
        block_(s_),
        heads_(s_.heads),
        cols_(s_.heads * s_.width),
        side_(kAdditive ? cols_ : s_.heads),
        state_(static_cast<std::size_t>(cols_ + side_)),
        rectified_(kAdditive ? static_cast<std::size_t>(cols_) : 0),
        ones_(static_cast<std::size_t>(heads_), 1.0f),
        inner_(static_cast<std::size_t>(block_.per_block * heads_ + kLanes)) {
    dx_ = state_.data();
    d_side_ = dx_ + cols_;
    for (std::size_t j = 0; j < rectified_.size(); ++j) rectified_[j] = s_.slope * s_.att[j];
  }

  std::int64_t per_block() const { return block_.per_block; }
  std::span<const float> state() const { return state_; }
  Prefetcher prefetcher(const EntryCursor& cursor) const {
    if (kAdditive) return {cursor, s_.a.indices.data(), {call_.dy, call_.facts, s_.other}};
    return {cursor, s_.a.indices.data(), {call_.dy, call_.facts}};
  }

  void begin(std::int64_t row) {
    row_ = row;
    std::fill(state_.begin(), state_.end(), 0.0f);
  }

  HWY_INLINE void block(std::int64_t first, std::int64_t count, Prefetcher& ahead) {
    block_.count = count;
    for (std::int64_t k = 0; k < count; ++k) {
      const std::int64_t destination = s_.a.indices[first + k];
      facts_[static_cast<std::size_t>(k)] = call_.facts.row(destination);
      block_.others[k] = kAdditive ? s_.other.row(destination) : call_.facts.row(destination);
      block_.rows[k] = call_.dy.row(destination);
    }
    const auto step = [&]() HWY_ATTR { ahead.step(); };
    if constexpr (kAdditive) {
      block_.multiply_scores(s_.own.row(row_), in_turn<4, 0>(step));
    } else {
      block_.add_scores(s_.own.row(row_), in_turn<4, 0>(step));
    }
    block_.multiply_rows(s_.x.row(row_), in_turn<2, 1>(step));
    weigh();
    if (s_.drops) draw(first);
    differentiate();
    if constexpr (kAdditive) {
      add_sides();
    } else {
      add_right();
    }
    add_rows(block_.shape, block_.rows, block_.weight, count, ones_.data(), dx_, in_turn<4, 2>(step));
  }

  void merge(const float* state) { add_to(state, static_cast<std::int64_t>(state_.size()), state_.data()); }

  void finish(std::int64_t row, std::int64_t slot) {
    if constexpr (kAdditive) {
      double* sums = call_.att_slots.empty() ? nullptr : call_.att_slots.data() + slot * cols_;
      for (std::int64_t j = 0; sums != nullptr && j < cols_; ++j) sums[j] += d_side_[j];
    } else {
      std::copy_n(d_side_, heads_, call_.d_own.row(row));
    }
    if (call_.dx.data == nullptr) return;
    float* dx = call_.dx.row(row);
    if (call_.source_vector != nullptr) add_through_scores(d_side_, call_.source_vector);
    if (call_.row_vector != nullptr && row < call_.dleft.rows)
      add_through_scores(call_.dleft.row(row), call_.row_vector);
    for (std::int64_t j = 0; j < cols_; ++j) dx[j] = call_.beta == 0 ? dx_[j] : call_.beta * dx[j] + dx_[j];
  }

 private:
  /// weight = α; inner_ = the entries' D.
  HWY_INLINE void weigh() {
    const DH d;
    const std::int64_t log_sums = kAdditive ? 0 : heads_;
    for (std::int64_t k = 0; k < block_.count; ++k) {
      const float* facts = facts_[static_cast<std::size_t>(k)] + log_sums;
      over_heads<DH>(heads_, [&](std::int64_t h) HWY_ATTR {
        float* score = block_.score + k * heads_ + h;
        hn::StoreU(hn::Sub(hn::LoadU(d, score), hn::LoadU(d, facts + h)), d, score);
        hn::StoreU(hn::LoadU(d, facts + heads_ + h), d, inner_.data() + k * heads_ + h);
      });
    }
    block_.exponentiate();
  }
  HWY_INLINE void draw(std::int64_t first) {
    StoreId ids[AttentionBlock<DH, kWhole>::kMostEntries];
    std::int64_t slots[AttentionBlock<DH, kWhole>::kMostEntries];
    for (std::int64_t k = 0; k < block_.count; ++k) {
      const std::int64_t destination = s_.a.indices[first + k];
      const std::int64_t entry = call_.edge[first + k];
      ids[k] = s_.destinations[destination];
      slots[k] = s_.slots.empty() ? entry - call_.indptr[destination] : s_.slots[entry];
    }
    block_.draw_entries(ids, slots);
  }
  /// product = ds; weight = mask α.
  HWY_INLINE void differentiate() {
    const Tag d;
    over_vectors(block_.count * heads_, [&](std::int64_t j) HWY_ATTR {
      const V alpha = hn::LoadU(d, block_.weight + j), factor = hn::LoadU(d, block_.factor + j);
      V dalpha = hn::LoadU(d, block_.product + j);
      if (s_.drops) dalpha = hn::Mul(dalpha, factor);
      V ds = hn::Mul(alpha, hn::Sub(dalpha, hn::LoadU(d, inner_.data() + j)));
      if constexpr (!kAdditive) ds = hn::Mul(ds, hn::LoadU(d, block_.rectifier + j));
      hn::StoreU(ds, d, block_.product + j);
      if (s_.drops) hn::StoreU(hn::Mul(alpha, factor), d, block_.weight + j);
    });
  }
  HWY_INLINE void add_right() {
    const DH d;
    over_heads<DH>(heads_, [&](std::int64_t h) HWY_ATTR {
      VH sum = hn::LoadU(d, d_side_ + h);
      for (std::int64_t k = 0; k < block_.count; ++k)
        sum = hn::Add(sum, hn::LoadU(d, block_.product + k * heads_ + h));
      hn::StoreU(sum, d, d_side_ + h);
    });
  }
  /// dx_ gets what comes by the scores, d_side_ what d_att does.
  HWY_INLINE void add_sides() {
    const float* own = s_.own.row(row_);
    const V slope = hn::Set(Tag(), s_.slope);
    over_strips<HWY_TARGET == HWY_AVX2 ? 2 : 4>(
        block_.shape.vectors, [&](std::int64_t first, auto vectors) HWY_ATTR {
          constexpr int kVectors = decltype(vectors)::value;
          const HeadStrip<kVectors, kWhole> at(block_.shape, first);
          V side[kVectors], att[kVectors], rectified[kVectors], dx[kVectors], d_att[kVectors];
          const auto load = [&](const float* p, V* out) HWY_ATTR {
            for (int v = 0; v < kVectors; ++v) out[v] = block_.shape.load(p + at.offset(v), at.partial(v));
          };
          load(own, side);
          load(s_.att, att);
          load(rectified_.data(), rectified);
          load(dx_, dx);
          load(d_side_, d_att);
          for (std::int64_t k = 0; k < block_.count; ++k) {
            for (int v = 0; v < kVectors; ++v) {
              const V z = hn::Add(side[v], block_.shape.load(block_.others[k] + at.offset(v), at.partial(v)));
              const V ds = hn::Set(Tag(), block_.product[k * heads_ + at.head(v)]);
              dx[v] = hn::MulAdd(ds, hn::IfThenElse(hn::Gt(z, hn::Zero(Tag())), att[v], rectified[v]), dx[v]);
              d_att[v] = hn::MulAdd(ds, hn::Max(z, hn::Mul(slope, z)), d_att[v]);
            }
          }
          for (int v = 0; v < kVectors; ++v) {
            block_.shape.store(dx[v], dx_ + at.offset(v), at.partial(v));
            block_.shape.store(d_att[v], d_side_ + at.offset(v), at.partial(v));
          }
        });
  }
  void add_through_scores(const float* d_score, const float* vector) {
    for (std::int64_t h = 0; h < heads_; ++h)
      for (std::int64_t j = h * s_.width; j < (h + 1) * s_.width; ++j) dx_[j] += d_score[h] * vector[j];
  }

  const AttentionColumnGradients& call_;
  const AttentionSweep& s_;
  AttentionBlock<DH, kWhole> block_;
  std::int64_t heads_, cols_, side_, row_ = 0;
  std::vector<float> state_, rectified_, ones_, inner_;
  float *dx_, *d_side_;
  std::array<const float*, AttentionBlock<DH, kWhole>::kMostEntries> facts_{};
};

void column_gradients_task(const AttentionColumnGradients& call, const SweepTask& task) {
  run_shaped<ColumnGradientSweep>(call, task);
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {

HWY_EXPORT(column_gradients_task);

void attention_column_gradients(const RowSweep& rows, const AttentionColumnGradients& call) {
  const AttentionSweep& s = call.sweep;
  const std::int64_t cols = s.heads * s.width;
  rows.run(cols + (s.att != nullptr ? cols : s.heads), [&](const SweepTask& task) {
    HWY_DYNAMIC_DISPATCH(column_gradients_task)(call, task);
  });
}

}  // namespace kith
#endif
