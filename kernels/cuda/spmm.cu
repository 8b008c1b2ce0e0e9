// A lane's columns stay in registers while the entries of the row go by; the rows of kUnroll entries are
// asked for before the first is added, in 16-byte loads past the first cache's tags (ld.global.nc). Sums are
// taken in the order of the entries.
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/cuda/sweep.h"

namespace kith {
namespace cuda {
namespace {

/// Columns that a row is cut into: all of one head, a stretch after the other.
struct Stretches {
  std::int64_t head_width, width;
  int each;  ///< stretches of a head
  __device__ std::int64_t head(int unit) const { return unit / each; }
  __device__ std::int64_t begin(int unit) const { return head(unit) * head_width + unit % each * width; }
  __device__ std::int64_t end(int unit) const {
    const std::int64_t last = (head(unit) + 1) * head_width, next = begin(unit) + width;
    return next < last ? next : last;
  }
};

template <class Source, int kVector, int kStrips, bool kWeighted>
struct SpmmSweep {
  using Element = typename Source::Element;
  static constexpr int kFloats = kVector * kStrips;
  static constexpr int kUnroll = 8 / kStrips;
  struct State {
    float v[kFloats];
  };

  Stretches stretches;
  Rows<const Element> x;
  Rows<float> y;
  const std::int32_t* indices;
  const float *row_scale, *col_scale, *self_scale;
  std::int64_t self_rows;
  const float* stored_scale;
  const float* weights;
  const std::int64_t* edge;
  int heads;
  float beta;

  __device__ std::int64_t column(const Unit& u, int strip) const {
    return stretches.begin(u.head) + (strip * u.lanes + u.lane) * kVector;
  }

  __device__ void begin(const Unit&, State& s) const {
    for (int k = 0; k < kFloats; ++k) s.v[k] = 0;
  }

  __device__ float scale_of(const Unit& u, std::int64_t e, std::int32_t c) const {
    float scale = col_scale == nullptr ? 1.0f : __ldg(col_scale + c);
    if (stored_scale != nullptr) scale *= __ldg(stored_scale + c);
    if (kWeighted)
      scale *= __ldg(weights + (edge == nullptr ? e : __ldg(edge + e)) * heads + stretches.head(u.head));
    return scale;
  }

  template <int kCount>
  __device__ void take(const Unit& u, std::int64_t e, State& s) const {
    std::int32_t c[kCount];
    float scale[kCount];
    Pack<Source, kVector> pack[kCount][kStrips];
#pragma unroll
    for (int k = 0; k < kCount; ++k) c[k] = __ldg(indices + e + k);
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
#pragma unroll
      for (int strip = 0; strip < kStrips; ++strip)
        if (column(u, strip) < stretches.end(u.head)) pack[k][strip].load(x.row(c[k]) + column(u, strip));
    }
#pragma unroll
    for (int k = 0; k < kCount; ++k) scale[k] = scale_of(u, e + k, c[k]);
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
#pragma unroll
      for (int strip = 0; strip < kStrips; ++strip) {
        if (column(u, strip) >= stretches.end(u.head)) continue;
        float values[kVector];
        pack[k][strip].decode(values);
#pragma unroll
        for (int j = 0; j < kVector; ++j)
          s.v[strip * kVector + j] = fmaf(scale[k], values[j], s.v[strip * kVector + j]);
      }
    }
  }

  __device__ void over(const Unit& u, std::int64_t begin, std::int64_t end, State& s) const {
    std::int64_t e = begin;
    for (; e + kUnroll <= end; e += kUnroll) take<kUnroll>(u, e, s);
    for (; e < end; ++e) take<1>(u, e, s);
  }

  __device__ void merge(State& s, const State& other) const {
    for (int k = 0; k < kFloats; ++k) s.v[k] += other.v[k];
  }

  __device__ void finish(const Unit& u, State& s) const {
    const float scale = row_scale == nullptr ? 1.0f : row_scale[u.row];
#pragma unroll
    for (int strip = 0; strip < kStrips; ++strip) {
      const std::int64_t at = column(u, strip);
      if (at >= stretches.end(u.head)) continue;
      float* sum = s.v + strip * kVector;
      for (int j = 0; j < kVector; ++j) sum[j] *= scale;
      if (u.row < self_rows) {
        const float own = self_scale[u.row] * (stored_scale == nullptr ? 1.0f : stored_scale[u.row]);
        Pack<Source, kVector> pack;
        float values[kVector];
        pack.load(x.row(u.row) + at);
        pack.decode(values);
        for (int j = 0; j < kVector; ++j) sum[j] = fmaf(own, values[j], sum[j]);
      }
      float* out = y.row(u.row) + at;
      if (beta != 0) {
        float old[kVector];
        load_floats<kVector>(out, old);
        for (int j = 0; j < kVector; ++j) sum[j] = fmaf(beta, old[j], sum[j]);
      }
      store_floats<kVector>(sum, out);
    }
  }
};

struct SpmmCall {
  CsrView<std::int32_t> a;
  std::span<const std::int32_t> rows;
  const SpmmScales* scales;
  const StoredRows* x;
  Rows<const std::byte> data;  ///< of x; its stride counts elements
  Rows<float> y;
};

template <class Source, int kVector, int kStrips, bool kWeighted>
void run(Staging& call, const SpmmCall& c) {
  using Sweep = SpmmSweep<Source, kVector, kStrips, kWeighted>;
  const SpmmScales& s = *c.scales;
  const int heads = kWeighted ? s.heads : 1;
  const std::int64_t head_width = c.x->cols / heads;
  constexpr std::int64_t kMost = 32 * kVector * kStrips;
  const auto each = static_cast<int>((head_width + kMost - 1) / kMost);
  const Sweep sweep_of{.stretches = {head_width, each == 1 ? head_width : kMost, each},
                       .x = {reinterpret_cast<const typename Source::Element*>(c.data.data), c.data.stride},
                       .y = c.y,
                       .indices = call.read(c.a.indices),
                       .row_scale = call.read(s.row_scale),
                       .col_scale = call.read(s.col_scale),
                       .self_scale = call.read(s.self_scale),
                       .self_rows = std::ssize(s.self_scale),
                       .stored_scale = call.read(c.x->scales),
                       .weights = call.read(s.weights),
                       .edge = call.read(s.edge),
                       .heads = heads,
                       .beta = s.beta};
  const auto plan = plan_on(call.device(), c.a, c.rows);
  sweep(call, *plan, c.a.indptr, sweep_of, heads * each,
        lanes_for(std::min(head_width, kMost), kVector * kStrips));
}

/// Two strips a lane where rows are that wide: fewer groups read the indices.
template <class Source, bool kWeighted>
void run_shaped(Staging& call, const SpmmCall& c) {
  const std::int64_t head_width = c.x->cols / (kWeighted ? c.scales->heads : 1);
  constexpr auto kElement = static_cast<std::int64_t>(sizeof(typename Source::Element));
  const bool vectors = head_width % Source::kVector == 0 &&
                       on_vectors(c.data.data, c.data.stride * kElement) &&
                       on_vectors(c.y.data, c.y.stride * 4);
  if (!vectors) return run<Source, 1, 4, kWeighted>(call, c);
  if constexpr (Source::kVector == 4) {
    if (head_width > 32 * Source::kVector) return run<Source, Source::kVector, 2, kWeighted>(call, c);
  }
  run<Source, Source::kVector, 1, kWeighted>(call, c);
}

}  // namespace
}  // namespace cuda

void spmm(Cuda on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, const SpmmScales& scales,
          const StoredRows& x, Tensor y) {
  if (x.cols == 0 || a.n() == 0) return;
  cuda::Staging call(on, "spmm", {{"n", a.n()}, {"m", a.m()}, {"cols", x.cols}});
  const auto row_bytes = static_cast<std::size_t>(x.stride) * size_of(x.type);
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(x.data),
                                         static_cast<std::size_t>(x.rows) * row_bytes);
  // A part of wider rows: the rest of the last row is not there.
  const std::size_t cut = static_cast<std::size_t>(x.stride - x.cols) * size_of(x.type);
  const cuda::SpmmCall c{
      .a = a,
      .rows = rows,
      .scales = &scales,
      .x = &x,
      .data = {call.read(bytes.first(x.rows == 0 ? 0 : bytes.size() - cut)), x.stride},
      .y = rows.empty() && scales.beta == 0 && y.rows == a.n() ? call.write(y) : call.update(y)};
  switch (x.type) {
    case DType::bf16: cuda::run_shaped<cuda::Bf16, false>(call, c); break;
    case DType::f16: cuda::run_shaped<cuda::Fp16, false>(call, c); break;
    case DType::i8: cuda::run_shaped<cuda::Int8, false>(call, c); break;
    default:
      scales.weights.empty() ? cuda::run_shaped<cuda::Fp32, false>(call, c)
                             : cuda::run_shaped<cuda::Fp32, true>(call, c);
  }
  call.finish();
}

}  // namespace kith
