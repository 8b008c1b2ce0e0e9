// What the sweeps of attention do with a block of a row's entries, included once for each instruction set.
//
// The gathered rows are [heads · width]. Per entry and head there are inner products of `width` numbers, and
// sums of rows scaled by a number per head. Inner products are made for as many (entry, head) pairs as a
// vector has lanes: each pair's products stay a vector, and a tree of pairwise additions turns the vectors
// into one of their sums. Sums of rows stay in registers while the block goes by. Where `width` is not a
// multiple of the lanes the last vector of a head is loaded and stored in part.
#if defined(KITH_KERNELS_CPU_ATTENTION_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KITH_KERNELS_CPU_ATTENTION_BLOCKS_INL_H_
#undef KITH_KERNELS_CPU_ATTENTION_BLOCKS_INL_H_
#else
#define KITH_KERNELS_CPU_ATTENTION_BLOCKS_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <vector>

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using V = hn::Vec<Tag>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(Tag()));

/// The first `count` lanes, which are all that is read; zeros behind them.
HWY_INLINE V load_first(const float* p, std::int64_t count) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(Tag(), static_cast<std::size_t>(count)), Tag(), p);
#else
  HWY_ALIGN float lanes[kLanes] = {};
  std::copy_n(p, count, lanes);
  return hn::Load(Tag(), lanes);
#endif
}
HWY_INLINE void store_first(V v, float* p, std::int64_t count) {
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, Tag(), lanes);
  std::copy_n(lanes, count, p);
}

/// How a row of heads · width numbers lies in vectors. With kWhole > 0 a head is so many whole vectors; else
/// any number of them, and what is left.
template <int kWhole>
struct HeadVectors {
  HeadVectors(std::int64_t h, std::int64_t w)
      : heads(h),
        width(w),
        whole(kWhole > 0 ? kWhole : w / kLanes),
        rest(kWhole > 0 ? 0 : w % kLanes),
        per_head(whole + (rest > 0 ? 1 : 0)),
        vectors(h * per_head) {}
  HWY_INLINE V load(const float* p, bool partial) const {
    return kWhole == 0 && partial ? load_first(p, rest) : hn::LoadU(Tag(), p);
  }
  HWY_INLINE void store(V v, float* p, bool partial) const {
    if (kWhole == 0 && partial) return store_first(v, p, rest);
    hn::StoreU(v, Tag(), p);
  }
  /// term(where the vector begins in the head, whether it is partial, the sum so far) over a head's vectors.
  template <class Term>
  HWY_INLINE V sum(Term&& term) const {
    V total = hn::Zero(Tag());
    if constexpr (kWhole > 0) {
      for (int j = 0; j < kWhole; ++j) total = term(j * kLanes, false, total);
      return total;
    }
    for (std::int64_t j = 0; j < whole; ++j) total = term(j * kLanes, false, total);
    return rest > 0 ? term(whole * kLanes, true, total) : total;
  }

  std::int64_t heads, width, whole, rest, per_head, vectors;
};

/// Lane i of the result is the sum of the lanes of v[i]. Overwrites v.
HWY_INLINE V lane_sums(V* v) {
#if HWY_TARGET != HWY_SCALAR
  for (std::int64_t n = kLanes; n > 1; n /= 2)
    for (std::int64_t i = 0; i < n / 2; ++i)
      v[i] = hn::Add(hn::ConcatEven(Tag(), v[2 * i + 1], v[2 * i]),
                     hn::ConcatOdd(Tag(), v[2 * i + 1], v[2 * i]));
#endif
  return v[0];
}

/// out[k · heads + h] = the sum of the lanes of part(k, h) for k < count; out is padded to whole vectors.
template <class Part>
HWY_INLINE void head_sums(std::int64_t count, std::int64_t heads, float* out, Part&& part) {
  const std::int64_t pairs = count * heads;
  std::int64_t k = 0, h = 0;
  const auto next = [&]() HWY_ATTR {
    const V v = part(k, h);
    if (++h == heads) {
      h = 0;
      ++k;
    }
    return v;
  };
  std::int64_t p = 0;
  for (; p + kLanes <= pairs; p += kLanes) {
    V v[kLanes];
    for (std::int64_t i = 0; i < kLanes; ++i) v[i] = next();
    hn::StoreU(lane_sums(v), Tag(), out + p);
  }
  if (p == pairs) return;
  V v[kLanes];
  for (std::int64_t i = 0; i < kLanes; ++i) v[i] = p + i < pairs ? next() : hn::Zero(Tag());
  hn::StoreU(lane_sums(v), Tag(), out + p);
}

/// Calls body(first vector, number of vectors as a constant) until all are covered: whole register files,
/// then powers of two.
template <int kVectors, class Body>
HWY_INLINE void over_strips_of(std::int64_t& first, std::int64_t vectors, Body& body) {
  for (; first + kVectors <= vectors; first += kVectors) body(first, std::integral_constant<int, kVectors>());
}
template <int kMostVectors, class Body>
HWY_INLINE void over_strips(std::int64_t vectors, Body&& body) {
  std::int64_t first = 0;
  if constexpr (kMostVectors >= 16) over_strips_of<16>(first, vectors, body);
  if constexpr (kMostVectors >= 8) over_strips_of<8>(first, vectors, body);
  if constexpr (kMostVectors >= 4) over_strips_of<4>(first, vectors, body);
  over_strips_of<2>(first, vectors, body);
  over_strips_of<1>(first, vectors, body);
}

/// Where the vectors of a strip lie: constants where heads are whole vectors, for then a strip is some heads,
/// or lies in one.
template <int kVectors, int kWhole>
struct HeadStrip {
  HeadStrip(const HeadVectors<kWhole>&, std::int64_t f) : first(f * kLanes), first_head(f / kWhole) {}
  HWY_INLINE std::int64_t head(int v) const { return first_head + v / kWhole; }
  HWY_INLINE std::int64_t offset(int v) const { return first + v * kLanes; }
  HWY_INLINE bool partial(int) const { return false; }
  std::int64_t first, first_head;
};
template <int kVectors>
struct HeadStrip<kVectors, 0> {
  HeadStrip(const HeadVectors<0>& shape, std::int64_t first) {
    std::int64_t h = first / shape.per_head, place = first % shape.per_head;
    for (int v = 0; v < kVectors; ++v) {
      heads[v] = h;
      offsets[v] = h * shape.width + place * kLanes;
      partials[v] = place == shape.whole;
      if (++place < shape.per_head) continue;
      place = 0;
      ++h;
    }
  }
  HWY_INLINE std::int64_t head(int v) const { return heads[v]; }
  HWY_INLINE std::int64_t offset(int v) const { return offsets[v]; }
  HWY_INLINE bool partial(int v) const { return partials[v]; }
  std::int64_t heads[kVectors], offsets[kVectors];
  bool partials[kVectors];
};

/// sum[h] = factor[h] · sum[h] + Σ_k weights[k, h] · rows[k][h]; visit(k) is called once for every k < count.
template <int kWhole, class Visit>
HWY_INLINE void add_rows(const HeadVectors<kWhole>& shape, const float* const* rows, const float* weights,
                         std::int64_t count, const float* factor, float* sum, Visit&& visit) {
  const std::int64_t heads = shape.heads;
  // AVX2 has 16 registers, the others 32.
  over_strips<HWY_TARGET == HWY_AVX2 ? 8 : 16>(shape.vectors, [&](std::int64_t first, auto vectors) HWY_ATTR {
    constexpr int kVectors = decltype(vectors)::value;
    const HeadStrip<kVectors, kWhole> at(shape, first);
    V total[kVectors];
    for (int v = 0; v < kVectors; ++v)
      total[v] = hn::Mul(hn::Set(Tag(), factor[at.head(v)]), shape.load(sum + at.offset(v), at.partial(v)));
    for (std::int64_t k = 0; k < count; ++k) {
      if (first == 0) visit(k);
      const float* w = weights + k * heads;
      for (int v = 0; v < kVectors; ++v)
        total[v] = hn::MulAdd(hn::Set(Tag(), w[at.head(v)]),
                              shape.load(rows[k] + at.offset(v), at.partial(v)), total[v]);
    }
    for (int v = 0; v < kVectors; ++v) shape.store(total[v], sum + at.offset(v), at.partial(v));
  });
}

/// Per-head numbers lie one behind the other, often eight: a vector of as many as divide the heads.
template <class D, class Body>
HWY_INLINE void over_heads(std::int64_t heads, Body&& body) {
  for (std::int64_t h = 0; h < heads; h += static_cast<std::int64_t>(hn::Lanes(D()))) body(h);
}

/// x[j] = f(x[j], …) by whole vectors; arrays are padded.
template <class Body>
HWY_INLINE void over_vectors(std::int64_t count, Body&& body) {
  for (std::int64_t j = 0; j < count; j += kLanes) body(j);
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();
#endif
