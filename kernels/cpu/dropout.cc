#include "kith/kernels/cpu/dropout.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/row_chunks.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/dropout.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kith/kernels/cpu/draws-inl.h"

// Words come from draws-inl.h. Draws of several rows share a vector where rows are short.
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Half of the words drop their element, so a branch would be taken wrongly half of the time.
template <class D>
HWY_INLINE void apply_vector(D d, const DropoutMask& mask, const std::uint32_t* words, const float* x,
                             float* y) {
  const hn::RebindToUnsigned<D> du;
  const auto dropped = hn::Gt(hn::Set(du, mask.least), hn::LoadU(du, words));
  const auto in = hn::LoadU(d, x);
  const auto active = mask.relu ? hn::IfThenElseZero(hn::Gt(in, hn::Zero(d)), in) : in;
  const auto scaled = hn::Mul(active, hn::Set(d, mask.scale));
  const auto kept = hn::IfThenZeroElse(hn::RebindMask(d, dropped), scaled);
  const auto old = hn::Set(d, mask.beta);
  hn::StoreU(mask.beta == 0 ? kept : hn::MulAdd(old, hn::LoadU(d, y), kept), d, y);
}

HWY_INLINE void apply(const DropoutMask& mask, const std::uint32_t* words, const float* x, float* y,
                      std::int64_t count) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t whole = count / lanes * lanes;
  for (std::int64_t j = 0; j < whole; j += lanes) apply_vector(d, mask, words + j, x + j, y + j);
  for (std::int64_t j = whole; j < count; ++j) apply_vector(one, mask, words + j, x + j, y + j);
}

/// Whether x is +0 throughout.
HWY_INLINE bool zeros(const float* x, std::int64_t count) {
  std::uint32_t any = 0;
  for (std::int64_t j = 0; j < count; ++j) any |= std::bit_cast<std::uint32_t>(x[j]);
  return any == 0;
}

/// Collects draws until there is one for every lane.
class Packer {
 public:
  explicit Packer(const DropoutMask& mask) : mask_(mask), draws_(mask.key), lanes_(draws_.lanes()) {}

  HWY_INLINE void add(const DropoutRow& row) {
    const std::int64_t whole = row.count / (4 * lanes_) * (4 * lanes_);
    for (std::int64_t j = 0; j < whole; j += 4 * lanes_) add_whole(row, j);
    for (std::int64_t j = whole; j < row.count; j += 4) {
      set_counter(used_, row.id, j / 4);
      x_[used_] = row.x + j;
      y_[used_] = row.y + j;
      count_[used_] = std::min<std::int64_t>(4, row.count - j);
      if (++used_ == lanes_) flush();
    }
  }

  HWY_INLINE void flush() {
    draws_.words(counter_, mask_.step, words_);
    std::int64_t lane = 0;
    while (lane < used_) {
      // Draws of the same row stand one behind the other.
      std::int64_t next = lane + 1, elements = count_[lane];
      while (next < used_ && x_[next] == x_[lane] + elements && y_[next] == y_[lane] + elements &&
             elements % 4 == 0) {
        elements += count_[next++];
      }
      apply(mask_, words_ + 4 * lane, x_[lane], y_[lane], elements);
      lane = next;
    }
    used_ = 0;
  }

 private:
  HWY_INLINE void set_counter(std::int64_t lane, StoreId node, std::int64_t draw) {
    const auto id = static_cast<std::uint64_t>(node.value());
    counter_[0][lane] = static_cast<std::uint32_t>(id);
    counter_[1][lane] = static_cast<std::uint32_t>(id >> 32);
    counter_[2][lane] = static_cast<std::uint32_t>(draw);
  }

  /// The elements [j, j + 4 lanes) of a row need no packing, and leave the packed draws alone.
  HWY_INLINE void add_whole(const DropoutRow& row, std::int64_t j) {
    // Zeros stay zeros whatever is drawn, and a bag of words is mostly zeros.
    if (mask_.beta == 0 && zeros(row.x + j, 4 * lanes_)) {
      std::fill_n(row.y + j, 4 * lanes_, 0.0f);
      return;
    }
    alignas(64) std::uint32_t words[4 * kMostLanes];
    draws_.consecutive(row.id, static_cast<std::uint32_t>(j / 4), mask_.step, words);
    apply(mask_, words, row.x + j, row.y + j, 4 * lanes_);
  }

  const DropoutMask& mask_;
  const Draws draws_;
  std::int64_t lanes_, used_ = 0;
  std::uint32_t counter_[3][kMostLanes] = {};
  alignas(64) std::uint32_t words_[4 * kMostLanes] = {};
  const float* x_[kMostLanes];
  float* y_[kMostLanes];
  std::int64_t count_[kMostLanes];
};

void drop_rows(const DropoutMask& mask, const DropoutRow* rows, std::int64_t count) {
  Packer packer(mask);
  for (std::int64_t i = 0; i < count; ++i) packer.add(rows[i]);
  packer.flush();
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {
namespace {

HWY_EXPORT(drop_rows);
constexpr std::size_t kBlock = 64;

/// Drops the rows row(begin) … row(end − 1), a block at a time.
template <class Row>
void drop(const DropoutMask& mask, std::int64_t begin, std::int64_t end, Row&& row) {
  std::array<DropoutRow, kBlock> block;
  std::size_t used = 0;
  for (std::int64_t i = begin; i < end; ++i) {
    block[used++] = row(i);
    if (used < kBlock && i + 1 < end) continue;
    HWY_DYNAMIC_DISPATCH(drop_rows)(mask, block.data(), static_cast<std::int64_t>(used));
    used = 0;
  }
}

void drop_all(const DropoutMask& mask, std::span<const StoreId> ids, ConstTensor x, Tensor y) {
  const std::int64_t grain = std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(x.cols, 1));
  parallel_for(0, x.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    drop(mask, begin, end, [&](std::int64_t i) { return DropoutRow{ids[i], x.row(i), y.row(i), x.cols}; });
  });
}

}  // namespace

DropoutMask mask_of(float p, PhiloxKey key, std::uint32_t step, float beta) {
  const double least = std::ceil(static_cast<double>(p) * 0x1p32);
  const bool all = least >= 0x1p32;
  return {key, step, all ? 0u : static_cast<std::uint32_t>(least), all ? 0.0f : 1.0f / (1.0f - p), beta};
}

void dropout(Cpu, const RowDropout& dropout, ConstTensor x, float beta, Tensor y) {
  drop_all(mask_of(dropout.p, dropout.key, dropout.step, beta), dropout.rows, x, y);
}

void relu_dropout(Cpu, const RowDropout& dropout, ConstTensor x, Tensor y) {
  DropoutMask mask = mask_of(dropout.p, dropout.key, dropout.step, 0);
  mask.relu = true;
  drop_all(mask, dropout.rows, x, y);
}

void edge_dropout(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
                  const EdgeDropout& dropout, std::span<float> values) {
  const DropoutMask mask = mask_of(dropout.p, dropout.key, dropout.step, 0);
  const RowChunks chunks(a, rows, 8192);
  parallel_for(0, chunks.count(), 1, [&](std::int64_t chunk, std::int64_t) {
    drop(mask, chunks.begin(chunk), chunks.end(chunk), [&](std::int64_t position) {
      const std::int64_t i = row_at(rows, position);
      float* first = values.data() + a.indptr[i] * heads;
      return DropoutRow{dropout.destinations[i], first, first, a.degree(i) * heads};
    });
  });
}

}  // namespace kith
#endif
