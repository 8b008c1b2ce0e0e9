// What the sweeps of attention share, included once for each instruction set: the gathered rows of a block,
// its scores, dropout factors and the prefetch of the blocks to come.
#if defined(KITH_KERNELS_CPU_ATTENTION_SWEEP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KITH_KERNELS_CPU_ATTENTION_SWEEP_INL_H_
#undef KITH_KERNELS_CPU_ATTENTION_SWEEP_INL_H_
#else
#define KITH_KERNELS_CPU_ATTENTION_SWEEP_INL_H_
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <hwy/highway.h>

#include "kith/core/array.h"
#include "kith/kernels/cpu/attention_blocks-inl.h"
#include "kith/kernels/cpu/draws-inl.h"
#include "kith/kernels/cpu/entry_cursor-inl.h"
#include "kith/kernels/cpu/fused_attention.h"

HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {

/// Asks for the rows of tables that entries further ahead will read.
class Prefetcher {
 public:
  Prefetcher(const EntryCursor& cursor, const std::int32_t* columns,
             std::initializer_list<ConstTensor> tables)
      : cursor_(cursor), columns_(columns) {
    std::int64_t floats = 0;
    for (const ConstTensor& table : tables) {
      const bool on_lines = reinterpret_cast<std::uintptr_t>(table.data) % 64 == 0;
      straddles_[static_cast<std::size_t>(count_)] =
          !on_lines || (table.stride % kLine != 0 && (table.stride >= kLine || kLine % table.stride != 0));
      tables_[static_cast<std::size_t>(count_++)] = table;
      floats += table.cols;
    }
    // About 32 KiB on their way or waiting in the second cache.
    const std::int64_t ahead = std::clamp<std::int64_t>(8192 / std::max<std::int64_t>(floats, 1), 16, 128);
    for (std::int64_t i = 0; i < ahead; ++i) step();
  }
  HWY_INLINE void step() {
    const std::int64_t e = cursor_.next();
    if (e < 0) return;
    for (int t = 0; t < count_; ++t) {
      const ConstTensor& table = tables_[static_cast<std::size_t>(t)];
      const float* p = table.row(columns_[e]);
      for (std::int64_t j = 0; j < table.cols; j += kLine) prefetch_far(p + j);
      if (straddles_[static_cast<std::size_t>(t)]) prefetch_far(p + table.cols - 1);
    }
  }

 private:
  EntryCursor cursor_;
  const std::int32_t* columns_;
  static constexpr std::int64_t kLine = 16;  ///< numbers of it

  std::array<ConstTensor, 3> tables_;
  std::array<bool, 3> straddles_{};
  int count_ = 0;
};

/// The block of entries that a sweep is at. DH is a vector of heads. Per-entry arrays are [per_block, heads].
template <class DH, int kWhole>
class AttentionBlock {
  using VH = hn::Vec<DH>;

 public:
  explicit AttentionBlock(const AttentionSweep& s)
      : sweep(s),
        shape(s.heads, s.width),
        heads(s.heads),
        per_block(entries_of(s.heads * s.width)),
        draws_(s.mask.key) {
    const std::int64_t padded = per_block * heads + 2 * kDrawnWords;
    memory_ = Array<float>(static_cast<std::size_t>(6 * padded), 0.0f);
    float* next = memory_.data();
    for (float** array : {&score, &rectifier, &factor, &product, &weight})
      *array = std::exchange(next, next + padded);
    words_ = reinterpret_cast<std::uint32_t*>(next);
  }
  AttentionBlock(const AttentionBlock&) = delete;
  AttentionBlock& operator=(const AttentionBlock&) = delete;

  /// GAT: score = leaky_relu(own + others[k]), and rectifier = its slope there.
  template <class Visit>
  HWY_INLINE void add_scores(const float* own, Visit&& visit) {
    const DH d;
    const VH slope = hn::Set(d, sweep.slope), one = hn::Set(d, 1.0f);
    for (std::int64_t k = 0; k < count; ++k) {
      visit(k);
      over_heads<DH>(heads, [&](std::int64_t h) HWY_ATTR {
        const VH z = hn::Add(hn::LoadU(d, own + h), hn::LoadU(d, others[k] + h));
        hn::StoreU(hn::Max(z, hn::Mul(slope, z)), d, score + k * heads + h);
        hn::StoreU(hn::IfThenElse(hn::Gt(z, hn::Zero(d)), one, slope), d, rectifier + k * heads + h);
      });
    }
  }
  /// GATv2: score = ⟨att, leaky_relu(own + others[k])⟩.
  template <class Visit>
  HWY_INLINE void multiply_scores(const float* own, Visit&& visit) {
    const V slope = hn::Set(Tag(), sweep.slope);
    head_sums(count, heads, score, [&](std::int64_t k, std::int64_t h) HWY_ATTR {
      if (h == 0) visit(k);
      const std::int64_t at = h * shape.width;
      return shape.sum([&](std::int64_t j, bool last, V sum) HWY_ATTR {
        const V z = hn::Add(shape.load(own + at + j, last), shape.load(others[k] + at + j, last));
        return hn::MulAdd(shape.load(sweep.att + at + j, last), hn::Max(z, hn::Mul(slope, z)), sum);
      });
    });
  }
  /// product = ⟨u, rows[k]⟩ per head.
  template <class Visit>
  HWY_INLINE void multiply_rows(const float* u, Visit&& visit) {
    head_sums(count, heads, product, [&](std::int64_t k, std::int64_t h) HWY_ATTR {
      if (h == 0) visit(k);
      const std::int64_t at = h * shape.width;
      return shape.sum([&](std::int64_t j, bool last, V sum) HWY_ATTR {
        return hn::MulAdd(shape.load(u + at + j, last), shape.load(rows[k] + at + j, last), sum);
      });
    });
  }
  /// weight = exp(score).
  HWY_INLINE void exponentiate() {
    over_vectors(count * heads, [&](std::int64_t j) HWY_ATTR {
      hn::StoreU(hn::Exp(Tag(), hn::LoadU(Tag(), score + j)), Tag(), weight + j);
    });
  }

  /// The factors of dropout for the entries from `slot` on of destination `id`; slot is a multiple of
  /// per_block, so that draws are not shared with the block before.
  HWY_INLINE void draw_row(StoreId id, std::int64_t slot) {
    const std::int64_t first = slot * heads / 4, each = 4 * draws_.lanes();
    for (std::int64_t j = 0; j < count * heads; j += each)
      draws_.consecutive(id, static_cast<std::uint32_t>(first + j / 4), sweep.mask.step, words_ + j);
    words_to_factors(words_);
  }
  /// The same for the entries from `first` on of a row of the sweep's own matrix.
  HWY_INLINE void draw_entries_of_row(std::int64_t row, std::int64_t first) {
    if (sweep.slots.empty()) return draw_row(sweep.destinations[row], first - sweep.a.indptr[row]);
    StoreId ids[kMostEntries];
    std::int64_t slots[kMostEntries];
    for (std::int64_t k = 0; k < count; ++k) {
      ids[k] = sweep.destinations[row];
      slots[k] = sweep.slots[first + k];
    }
    draw_entries(ids, slots);
  }
  /// The same where entry k is the slots[k]-th of its own destination ids[k].
  HWY_INLINE void draw_entries(const StoreId* ids, const std::int64_t* slots) {
    drawn_.resize(static_cast<std::size_t>(per_block * (heads / 4 + 2) * 4 + kDrawnWords));
    std::int64_t done = 0, lane = 0;
    const auto flush = [&] {
      draws_.words(counter_, sweep.mask.step, drawn_.data() + done);
      done += 4 * lane;
      lane = 0;
    };
    for (std::int64_t k = 0; k < count; ++k) {
      const std::int64_t word = slots[k] * heads, last = (word + heads - 1) / 4;
      starts_[static_cast<std::size_t>(k)] = done + 4 * lane + word % 4;
      for (std::int64_t draw = word / 4; draw <= last; ++draw) {
        const auto id = static_cast<std::uint64_t>(ids[k].value());
        counter_[0][lane] = static_cast<std::uint32_t>(id);
        counter_[1][lane] = static_cast<std::uint32_t>(id >> 32);
        counter_[2][lane] = static_cast<std::uint32_t>(draw);
        if (++lane == draws_.lanes()) flush();
      }
    }
    if (lane > 0) flush();
    if (heads % 4 == 0) return words_to_factors(drawn_.data());
    for (std::int64_t k = 0; k < count; ++k)
      for (std::int64_t h = 0; h < heads; ++h)
        words_[k * heads + h] = drawn_[static_cast<std::size_t>(starts_[static_cast<std::size_t>(k)] + h)];
    words_to_factors(words_);
  }

  static constexpr std::int64_t kMostEntries = 64;
  const AttentionSweep& sweep;
  const HeadVectors<kWhole> shape;
  const std::int64_t heads, per_block;
  std::int64_t count = 0;                  ///< of entries in the block
  const float* others[kMostEntries] = {};  ///< the scores' other side
  const float* rows[kMostEntries] = {};    ///< the gathered rows of x, or of dy
  float *score, *rectifier, *factor, *product, *weight;

 private:
  static constexpr std::int64_t kDrawnWords = 4 * kMostLanes;

  /// A power of two from 4 on, so that blocks begin with a draw: rows of half a first cache.
  static std::int64_t entries_of(std::int64_t cols) {
    const auto fit = static_cast<std::uint64_t>(std::clamp<std::int64_t>(4096 / cols, 4, kMostEntries));
    return static_cast<std::int64_t>(std::bit_floor(fit));
  }
  HWY_INLINE void words_to_factors(const std::uint32_t* words) {
    const hn::RebindToUnsigned<Tag> du;
    const auto least = hn::Set(du, sweep.mask.least);
    over_vectors(count * heads, [&](std::int64_t j) HWY_ATTR {
      const auto dropped = hn::RebindMask(Tag(), hn::Gt(least, hn::LoadU(du, words + j)));
      hn::StoreU(hn::IfThenZeroElse(dropped, hn::Set(Tag(), sweep.mask.scale)), Tag(), factor + j);
    });
  }

  Draws draws_;
  Array<float> memory_;
  std::uint32_t* words_;
  std::uint32_t counter_[3][kMostLanes] = {};
  std::vector<std::uint32_t> drawn_;
  std::array<std::int64_t, kMostEntries> starts_{};
};

/// Calls step for every kPlaces-th entry: a block's loops take turns, for a core has few misses in flight,
/// and memory must not idle while it computes.
template <int kPlaces, int kPlace, class Step>
auto in_turn(Step&& step) {
  return [&step](std::int64_t k) HWY_ATTR {
    if (k % kPlaces == kPlace) step();
  };
}

/// x[j] += y[j].
HWY_INLINE void add_to(const float* y, std::int64_t count, float* x) {
  for (std::int64_t j = 0; j < count; ++j) x[j] += y[j];
}

/// Runs a task of a sweep: begin(row), block(first, columns, prefetcher)…, finish(row); `state()` is what a
/// piece leaves and `merge` takes.
template <class Sweep>
void run_task(Sweep& sweep, const AttentionSweep& s, const SweepTask& task) {
  const auto over = [&](std::int64_t first, std::int64_t last, Prefetcher& ahead) {
    for (std::int64_t e = first; e < last; e += sweep.per_block())
      sweep.block(e, std::min(sweep.per_block(), last - e), ahead);
  };
  if (task.kind == SweepTask::Kind::rows) {
    Prefetcher ahead = sweep.prefetcher(EntryCursor(s.a, s.rows, task.begin, task.end));
    for (std::int64_t p = task.begin; p < task.end; ++p) {
      const std::int64_t row = row_at(s.rows, p);
      sweep.begin(row);
      over(s.a.indptr[row], s.a.indptr[row + 1], ahead);
      sweep.finish(row, task.slot);
    }
    return;
  }
  sweep.begin(task.row);
  if (task.kind == SweepTask::Kind::piece) {
    Prefetcher ahead = sweep.prefetcher(EntryCursor(task.begin, task.end));
    over(task.begin, task.end, ahead);
    std::copy(sweep.state().begin(), sweep.state().end(), task.states);
    return;
  }
  const auto size = static_cast<std::int64_t>(sweep.state().size());
  for (std::int64_t p = 0; p < task.pieces; ++p) sweep.merge(task.states + p * size);
  sweep.finish(task.row, task.slot);
}

/// Calls body(tag of a vector of heads, a head's whole vectors or 0) as constants. Each pair is a copy of the
/// sweeps, so there are few: those of heads of 16 and 32 columns on the widest vectors.
template <class Body>
void with_shape(const AttentionSweep& s, Body&& body) {
  const hn::CappedTag<float, 1> one;
  constexpr std::integral_constant<int, 0> any;
  if (HWY_TARGET == HWY_SCALAR || s.heads % 4 != 0) return body(one, any);
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<float, 4> four;
  if (s.width == kLanes) return body(four, std::integral_constant<int, 1>());
  if (s.width == 2 * kLanes) return body(four, std::integral_constant<int, 2>());
  body(four, any);
#endif
}

/// Runs a task of a call by the instance of its sweep for GAT or GATv2 and its shape.
template <template <bool kAdditive, class DH, int kWhole> class Sweep, class Call>
void run_shaped(const Call& call, const SweepTask& task) {
  with_shape(call.sweep, [&](auto heads, auto whole) {
    const auto run = [&](auto additive) {
      Sweep<decltype(additive)::value, decltype(heads), decltype(whole)::value> sweep(call);
      run_task(sweep, call.sweep, task);
    };
    call.sweep.att != nullptr ? run(std::true_type()) : run(std::false_type());
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();
#endif
