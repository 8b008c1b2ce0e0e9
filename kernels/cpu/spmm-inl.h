// The inner loop of SpMM, included once for each instruction set.
//
// A strip is up to kMost vectors of consecutive columns; its sums stay in as many registers while the entries
// of a row go by. The last vector of a strip may overlap the one before it, so any width of at least one
// vector needs no masks; narrower strips use shorter vectors. A prefetch cursor walks `ahead` entries in
// front, over the borders of rows, to the end of the run.
#if defined(KITH_KERNELS_CPU_SPMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KITH_KERNELS_CPU_SPMM_INL_H_
#undef KITH_KERNELS_CPU_SPMM_INL_H_
#else
#define KITH_KERNELS_CPU_SPMM_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "kith/kernels/cpu/entry_cursor-inl.h"
#include "kith/kernels/cpu/row_chunks.h"
#include "kith/kernels/cpu/spmm.h"

HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// AVX2 has 16 registers, the others 32.
constexpr int kMost = HWY_TARGET == HWY_AVX2 ? 8 : 16;
constexpr std::int64_t kFloatsPerLine = 16;

constexpr std::uintptr_t kLineBytes = 64;

/// How a vector of elements of x becomes one of fp32.
struct Floats {
  using Element = float;
  template <class D>
  static HWY_INLINE hn::Vec<D> load(D d, const float* p) {
    return hn::LoadU(d, p);
  }
};
struct BrainFloats {
  using Element = std::uint16_t;
  template <class D>
  static HWY_INLINE hn::Vec<D> load(D d, const std::uint16_t* p) {
    const hn::Rebind<std::uint16_t, D> narrow;
    const hn::RebindToUnsigned<D> wide;
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(wide, hn::LoadU(narrow, p))));
  }
};
struct Halves {
  using Element = hwy::float16_t;
  template <class D>
  static HWY_INLINE hn::Vec<D> load(D d, const hwy::float16_t* p) {
    const hn::Rebind<hwy::float16_t, D> narrow;
    return hn::PromoteTo(d, hn::LoadU(narrow, p));
  }
};
struct Bytes {
  using Element = std::int8_t;
  template <class D>
  static HWY_INLINE hn::Vec<D> load(D d, const std::int8_t* p) {
    const hn::Rebind<std::int8_t, D> narrow;
    const hn::RebindToSigned<D> wide;
    return hn::ConvertTo(d, hn::PromoteTo(wide, hn::LoadU(narrow, p)));
  }
};

/// Columns [column, column + width) and the head whose weights they take; where vectors take those of
/// different heads, head_width is the columns of each.
struct Strip {
  std::int64_t column = 0;
  std::int64_t width = 0;
  std::int64_t head = 0;
  std::int64_t head_width = 0;
};

HWY_INLINE bool on_lines(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kLineBytes == 0; }

/// Walks the entries of a run and asks for what their sums will read. Into the second cache: a core has few
/// misses of its first cache in flight (24 on Zen 4), and asking for more only makes the loads wait.
template <class Element>
class PrefetchCursor {
 public:
  PrefetchCursor(const SpmmRun& run, const Strip& strip)
      : run_(run),
        columns_(run.a.indices.data()),
        x_(static_cast<const Element*>(run.x.data) + strip.column),
        width_(strip.width),
        straddles_(!on_lines(x_) || run.x.stride % kPerLine != 0),
        entries_(run.a, run.rows, run.begin, run.end) {
    // About 32 KiB on their way or waiting in the second cache, whatever the width.
    const std::int64_t ahead = std::clamp<std::int64_t>(512 * kPerLine / strip.width, 32, 128);
    for (std::int64_t i = 0; i < ahead; ++i) step();
  }

  HWY_INLINE void step() {
    const std::int64_t e = entries_.next();
    if (e < 0) return;
    const std::int64_t column = columns_[e];
    const Element* p = x_ + column * run_.x.stride;
    for (std::int64_t j = 0; j < width_; j += kPerLine) prefetch_far(p + j);
    if (straddles_) prefetch_far(p + width_ - 1);
    const SpmmScales& s = *run_.scales;
    if (!s.col_scale.empty()) prefetch_far(&s.col_scale[column]);
    if (!run_.x.scales.empty()) prefetch_far(&run_.x.scales[column]);
    if (!s.edge.empty() && !s.weights.empty()) prefetch_far(&s.weights[s.edge[e] * s.heads]);
  }

 private:
  static constexpr std::int64_t kPerLine = kLineBytes / sizeof(Element);

  const SpmmRun& run_;
  const std::int32_t* columns_;
  const Element* x_;
  std::int64_t width_;
  bool straddles_;
  EntryCursor entries_;
};

/// Sums the rows of a run over a strip of kVectors vectors of type D. With kManyHeads every vector has its
/// head.
template <class Source, class D, int kVectors, bool kManyHeads>
class StripSum {
  using V = hn::Vec<D>;
  using Element = typename Source::Element;

 public:
  StripSum(const SpmmRun& run, const Strip& strip) : run_(run), strip_(strip), cursor_(run, strip) {
    last_ = strip.width - static_cast<std::int64_t>(hn::Lanes(D()));
    streams_ = run.streams && strip.width % static_cast<std::int64_t>(hn::Lanes(D())) == 0 &&
               on_lines(run.y.data + strip.column) &&
               run.y.stride % static_cast<std::int64_t>(kLineBytes / sizeof(float)) == 0;
    for (int v = 0; v < kVectors; ++v) {
      head_of_[v] = kManyHeads ? (strip.column + offset(v)) / strip.head_width : strip.head;
    }
  }

  HWY_INLINE void sum_row(std::int64_t row) {
    const SpmmScales& s = *run_.scales;
    const std::int32_t* columns = run_.a.indices.data();
    const Element* x = static_cast<const Element*>(run_.x.data) + strip_.column;
    V sum[kVectors];
    for (int v = 0; v < kVectors; ++v) sum[v] = hn::Zero(D());
    const std::int64_t end = run_.a.indptr[row + 1];
    for (std::int64_t e = run_.a.indptr[row]; e < end; ++e) {
      cursor_.step();
      if (kShort) bring_near(x, columns, e + kNear);
      const std::int64_t column = columns[e];
      const float col_scale = (s.col_scale.empty() ? 1.0f : s.col_scale[column]) * stored_scale(column);
      const Element* p = x + column * run_.x.stride;
      if (kManyHeads) {
        const float* w = weights_of(e);
        for (int v = 0; v < kVectors; ++v) {
          sum[v] =
              hn::MulAdd(hn::Set(D(), w[head_of_[v]] * col_scale), Source::load(D(), p + offset(v)), sum[v]);
        }
      } else {
        const V scale = hn::Set(D(), s.weights.empty() ? col_scale : weights_of(e)[strip_.head] * col_scale);
        for (int v = 0; v < kVectors; ++v)
          sum[v] = hn::MulAdd(scale, Source::load(D(), p + offset(v)), sum[v]);
      }
    }
    finish(row, sum);
  }

 private:
  static constexpr std::int64_t kNear = 8;
  static constexpr bool kShort = kVectors * sizeof(V) * sizeof(Element) / sizeof(float) <= 256;

  /// Rows of few lines come in faster when they are then asked for once more, into the first cache.
  HWY_INLINE void bring_near(const Element* x, const std::int32_t* columns, std::int64_t e) const {
    if (e >= static_cast<std::int64_t>(run_.a.indices.size())) return;
    const Element* p = x + columns[e] * run_.x.stride;
    for (std::int64_t j = 0; j < strip_.width; j += kLineBytes / sizeof(Element)) hwy::Prefetch(p + j);
  }
  HWY_INLINE float stored_scale(std::int64_t row) const {
    return std::is_same_v<Source, Bytes> ? run_.x.scales[row] : 1.0f;
  }
  HWY_INLINE std::int64_t offset(int v) const {
    return v == kVectors - 1 ? last_ : v * static_cast<std::int64_t>(hn::Lanes(D()));
  }
  HWY_INLINE const float* weights_of(std::int64_t e) const {
    const SpmmScales& s = *run_.scales;
    return s.weights.data() + (s.edge.empty() ? e : s.edge[e]) * s.heads;
  }

  /// Adds the terms of the row and stores. The last vector is finished before the one it overlaps is stored.
  HWY_INLINE void finish(std::int64_t row, V* sum) const {
    const SpmmScales& s = *run_.scales;
    const Element* self = static_cast<const Element*>(run_.x.data) + row * run_.x.stride + strip_.column;
    float* y = run_.y.row(row) + strip_.column;
    const V row_scale = hn::Set(D(), s.row_scale.empty() ? 1.0f : s.row_scale[row]);
    for (int v = 0; v < kVectors; ++v) sum[v] = hn::Mul(row_scale, sum[v]);
    if (row < static_cast<std::int64_t>(s.self_scale.size())) {
      const V scale = hn::Set(D(), s.self_scale[row] * stored_scale(row));
      for (int v = 0; v < kVectors; ++v)
        sum[v] = hn::MulAdd(scale, Source::load(D(), self + offset(v)), sum[v]);
    }
    if (s.beta != 0) {
      const V beta = hn::Set(D(), s.beta);
      for (int v = 0; v < kVectors; ++v) sum[v] = hn::MulAdd(beta, hn::LoadU(D(), y + offset(v)), sum[v]);
    }
    if (streams_) {
      for (int v = 0; v < kVectors; ++v) hn::Stream(sum[v], D(), y + offset(v));
    } else {
      for (int v = 0; v < kVectors; ++v) hn::StoreU(sum[v], D(), y + offset(v));
    }
  }

  const SpmmRun& run_;
  const Strip& strip_;
  PrefetchCursor<Element> cursor_;
  std::int64_t last_;
  bool streams_;  ///< past the caches
  std::array<std::int64_t, kVectors> head_of_;
};

template <class Source, class D, int kVectors, bool kManyHeads>
HWY_NOINLINE void sum_strip(const SpmmRun& run, const Strip& strip) {
  StripSum<Source, D, kVectors, kManyHeads> sum(run, strip);
  for (std::int64_t i = run.begin; i < run.end; ++i) sum.sum_row(row_at(run.rows, i));
  if (run.streams) hwy::FlushStream();
}

/// Calls the instance for the strip's number of vectors, at most kMax.
template <class Source, class D, bool kManyHeads, int... kLess>
void sum_strip_of(const SpmmRun& run, const Strip& strip, std::integer_sequence<int, kLess...>) {
  constexpr std::array<void (*)(const SpmmRun&, const Strip&), sizeof...(kLess)> kInstances{
      &sum_strip<Source, D, kLess + 1, kManyHeads>...};
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  constexpr std::int64_t kLast = sizeof...(kLess) - 1;
  const std::int64_t index = std::clamp<std::int64_t>((strip.width - 1) / lanes, 0, kLast);
  kInstances[static_cast<std::size_t>(index)](run, strip);
}
template <class Source, class D, bool kManyHeads, int kMax>
void sum_strip_of(const SpmmRun& run, const Strip& strip) {
  sum_strip_of<Source, D, kManyHeads>(run, strip, std::make_integer_sequence<int, kMax>());
}

using FullTag = hn::ScalableTag<float>;

/// The columns [begin, end), all of one head, in strips of about equal width.
template <class Source>
void sum_head(const SpmmRun& run, std::int64_t head, std::int64_t begin, std::int64_t end) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(FullTag()));
  const std::int64_t vectors = (end - begin + lanes - 1) / lanes;
  const std::int64_t strips = (vectors + kMost - 1) / kMost;
  const std::int64_t width = (vectors + strips - 1) / strips * lanes;
  for (std::int64_t column = begin; column < end; column += width) {
    const Strip strip{column, std::min(width, end - column), head, 0};
    if (strip.width >= lanes) {
      sum_strip_of<Source, FullTag, false, kMost>(run, strip);
    } else if (strip.width >= 8) {
      sum_strip_of<Source, hn::CappedTag<float, 8>, false, 2>(run, strip);
    } else if (strip.width >= 4) {
      sum_strip_of<Source, hn::CappedTag<float, 4>, false, 2>(run, strip);
    } else {
      sum_strip_of<Source, hn::CappedTag<float, 1>, false, 4>(run, strip);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();
#endif
