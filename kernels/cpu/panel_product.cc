#include "kith/kernels/cpu/panel_product.h"

#include <algorithm>
#include <utility>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/panel_product.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// A tile of c stays in registers while a stretch of the sum goes by: every step loads a row of the panel and
// multiplies it by one number of each of the tile's rows of a (Goto & van de Geijn 2008, without packing a:
// the rows of a graph's features are read once and few at a time, so packing them would cost more than it
// saves). What comes next from memory is asked for meanwhile, as the processor does not foresee it: c's tile,
// the next tile's rows of a, and of a weight gradient, which is long sums over rows that are read once, a
// line of each row of the next stretch. Sums are cut by shape only, and taken in order.
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using V = hn::Vec<Tag>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(Tag()));

// AVX2 has 16 registers, AVX-512 and NEON have 32: sums, a row of the panel, and the number it is multiplied
// by.
constexpr int kMostVectors = HWY_TARGET == HWY_SCALAR ? 1 : HWY_TARGET == HWY_AVX2 ? 2 : 4;
constexpr int kSums = HWY_TARGET == HWY_AVX2 ? 12 : 24;

std::int64_t lanes() { return HWY_TARGET == HWY_SCALAR ? 0 : kLanes; }
std::int64_t most_vectors() { return kMostVectors; }

/// A line of `count` rows, from row to row `step` numbers further.
struct LinesAhead {
  const float* next;
  std::int64_t step = 0, count = 0;

  LinesAhead(const PanelProduct& p, std::int64_t tile) : next(p.panel) {
    std::int64_t line = p.line + tile;
    for (const ConstTensor& rows : p.soon) {
      const std::int64_t lines = (rows.cols + 15) / 16;
      if (line >= 0 && line < lines) *this = LinesAhead(rows, line);
      line -= lines;
    }
  }
  HWY_INLINE void ask(std::int64_t row) {
    __builtin_prefetch(next, 0, 2);
    next += row < count ? step : 0;
  }

 private:
  LinesAhead(const ConstTensor& rows, std::int64_t line)
      : next(rows.data + 16 * line), step(rows.stride), count(rows.rows - 1) {}
};

template <int kRows, int kVectors, bool kPacked>
struct Tile {
  V sum[kRows][kVectors];

  HWY_INLINE void add_products(const PanelProduct& p, std::int64_t first) {
    LinesAhead ahead(p, first / kRows);
    const float* a[kRows];
    // Rows behind the end repeat the last one and are not stored.
    for (int r = 0; r < kRows; ++r) a[r] = p.a.data + std::min(first + r, p.c.rows - 1) * p.a.row_step;
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVectors; ++v) {
        sum[r][v] = hn::Zero(Tag());
        __builtin_prefetch(p.c.row(std::min(first + r, p.c.rows - 1)) + v * kLanes, 1);
      }
    }
    const float* b = p.panel;
    for (std::int64_t l = 0, at = 0; l < p.k;
         ++l, at += p.a.sum_step, b += kPacked ? kVectors * kLanes : p.panel_step) {
      if (!kPacked) ahead.ask(l);
      // The next tile's rows of a; narrow panels need all of the first cache for their own.
      if (kPacked && kVectors == kMostVectors && l % 16 == 0)
        for (int r = 0; r < kRows; ++r) __builtin_prefetch(a[r] + kRows * p.a.row_step + at);
      V row[kVectors];
      for (int v = 0; v < kVectors; ++v) row[v] = hn::LoadU(Tag(), b + v * kLanes);
      for (int r = 0; r < kRows; ++r) {
        const V factor = hn::Set(Tag(), a[r][at]);
        for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(factor, row[v], sum[r][v]);
      }
    }
  }

  HWY_INLINE void store(const PanelProduct& p, std::int64_t first) const {
    for (int r = 0; r < kRows && first + r < p.c.rows; ++r) {
      float* c = p.c.row(first + r);
      for (int v = 0; v < kVectors; ++v)
        store_vector(sum[r][v], p.beta, p.bias == nullptr ? nullptr : p.bias + v * kLanes, c + v * kLanes,
                     p.c.cols - v * kLanes);
    }
  }

  /// The first `count` lanes, all where there are more.
  static HWY_INLINE void store_vector(V value, float beta, const float* bias, float* c, std::int64_t count) {
    if (count >= kLanes) {
      if (beta != 0) value = hn::MulAdd(hn::Set(Tag(), beta), hn::LoadU(Tag(), c), value);
      if (bias != nullptr) value = hn::Add(value, hn::LoadU(Tag(), bias));
      hn::StoreU(value, Tag(), c);
      return;
    }
    HWY_ALIGN float some[kLanes];
    hn::Store(value, Tag(), some);
    for (std::int64_t j = 0; j < count; ++j) {
      if (beta != 0) some[j] += beta * c[j];
      c[j] = bias == nullptr ? some[j] : some[j] + bias[j];
    }
  }
};

template <int kVectors, bool kPacked>
HWY_NOINLINE void multiply_panel(const PanelProduct& p) {
  constexpr int kRows = std::min(kSums / kVectors, 12);
  for (std::int64_t i = 0; i < p.c.rows; i += kRows) {
    Tile<kRows, kVectors, kPacked> tile;
    tile.add_products(p, i);
    tile.store(p, i);
  }
}
template <int kVectors>
void multiply_panel(const PanelProduct& p) {
  p.panel_step == 0 ? multiply_panel<kVectors, true>(p) : multiply_panel<kVectors, false>(p);
}

void multiply_panel_of(const PanelProduct& p) {
  const std::int64_t vectors = (p.c.cols + kLanes - 1) / kLanes;
  if (vectors == 1) return multiply_panel<1>(p);
#if HWY_TARGET != HWY_SCALAR
  if (vectors == 2) return multiply_panel<2>(p);
#if HWY_TARGET != HWY_AVX2
  if (vectors == 3) return multiply_panel<3>(p);
  multiply_panel<4>(p);
#endif
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {
namespace {

HWY_EXPORT(lanes);
HWY_EXPORT(most_vectors);
HWY_EXPORT(multiply_panel_of);

constexpr std::int64_t kStretch = 512;       ///< of the sum
constexpr std::int64_t kShortStretch = 256;  ///< where neither factor is packed
constexpr std::int64_t kTileRows = 6;        ///< of the widest panels

/// The columns of c in panels of a width.
struct Columns {
  std::int64_t lane_count = HWY_DYNAMIC_DISPATCH(lanes)();
  std::int64_t width = lane_count * HWY_DYNAMIC_DISPATCH(most_vectors)();
  std::int64_t padded(std::int64_t columns) const {
    return (columns + lane_count - 1) / lane_count * lane_count;
  }
};

void pack_panel(Trans trans, ConstTensor b, std::pair<std::int64_t, std::int64_t> rows, std::int64_t first,
                std::int64_t count, std::int64_t width, float* out) {
  for (std::int64_t l = rows.first; l < rows.second; ++l, out += width) {
    for (std::int64_t j = 0; j < count; ++j) out[j] = trans == Trans::yes ? b(first + j, l) : b(l, first + j);
    std::fill(out + count, out + width, 0.0f);
  }
}

}  // namespace

bool Panels::pay() { return HWY_DYNAMIC_DISPATCH(lanes)() > 1; }

Panels::Panels(Trans trans_b, ConstTensor b)
    : k_(trans_b == Trans::yes ? b.cols : b.rows), n_(trans_b == Trans::yes ? b.rows : b.cols) {
  const Columns columns;
  const std::int64_t padded = columns.padded(n_);
  values_ = Array<float>(static_cast<std::size_t>(k_ * padded));
  const std::int64_t panels = (n_ + columns.width - 1) / columns.width;
  const std::int64_t stretches = (k_ + kStretch - 1) / kStretch;
  const auto pack = [&](std::int64_t task, std::int64_t) {
    const std::int64_t begin = task / panels * kStretch, end = std::min(k_, begin + kStretch);
    const std::int64_t first = task % panels * columns.width, count = std::min(columns.width, n_ - first);
    pack_panel(trans_b, b, {begin, end}, first, count, columns.padded(count),
               values_.data() + begin * padded + first * (end - begin));
  };
  parallel_for(0, panels * stretches, 1, pack);
}

void Panels::multiply(StridedFactor a, float beta, Tensor c, std::span<const float> bias) const {
  const Columns columns;
  const std::int64_t padded = columns.padded(n_);
  for (std::int64_t row = 0; row < c.rows; row += kRows) {
    const std::int64_t rows = std::min(kRows, c.rows - row);
    for (std::int64_t begin = 0; begin < k_; begin += kStretch) {
      const std::int64_t end = std::min(k_, begin + kStretch);
      const float* part = a.data + row * a.row_step + begin * a.sum_step;
      for (std::int64_t first = 0; first < n_; first += columns.width) {
        HWY_DYNAMIC_DISPATCH(multiply_panel_of)
        ({.a = {part, a.row_step, a.sum_step},
          .panel = values_.data() + begin * padded + first * (end - begin),
          .k = end - begin,
          .beta = begin == 0 ? beta : 1.0f,
          .c = {c.row(row) + first, rows, std::min(columns.width, n_ - first), c.stride},
          .bias = end < k_ || bias.empty() ? nullptr : bias.data() + first});
      }
    }
  }
}

bool transposed_panels_pay(std::int64_t columns) {
  const std::int64_t lane_count = Columns().lane_count;
  return lane_count > 1 && columns % lane_count == 0;
}

void transposed_panels(ConstTensor a, ConstTensor b, float beta, Tensor c) {
  const Columns columns;
  const std::int64_t tiles = (c.rows + kTileRows - 1) / kTileRows;
  for (std::int64_t begin = 0; begin < a.rows; begin += kShortStretch) {
    const std::int64_t end = std::min(a.rows, begin + kShortStretch);
    const std::int64_t soon = std::min(a.rows, end + kShortStretch);
    for (std::int64_t first = 0; first < c.cols; first += columns.width) {
      HWY_DYNAMIC_DISPATCH(multiply_panel_of)
      ({.a = {a.row(begin), 1, a.stride},
        .panel = b.row(begin) + first,
        .panel_step = b.stride,
        .k = end - begin,
        .beta = begin == 0 ? beta : 1.0f,
        .c = {c.data + first, c.rows, std::min(columns.width, c.cols - first), c.stride},
        .soon = {a.row_range(end, soon), b.row_range(end, soon)},
        .line = first / columns.width * tiles});
    }
  }
}

}  // namespace kith
#endif
