// Two sweeps and no scatter. Over the rows: D = Σ_e α dα, and the gradient of the destinations' side, as two
// sums that D joins at the end, so one walk over the entries is enough. Over the transpose: the gradient of
// the sources' side and of x, from the destinations' log_sums and D. α and the mask are made again (Dao et
// al. 2022).
#include "kith/kernels/cuda/fused_attention.h"
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/cuda/reductions.h"

namespace kith {
namespace cuda {

AttentionInputs inputs(Staging& call, CsrView<std::int32_t> a, const GatAttention& g);
AttentionInputs inputs(Staging& call, CsrView<std::int32_t> a, const GatV2Attention& g);

namespace {

/// GAT. dleft = Σ α dα r − D Σ α r, where r is the rectifier's slope.
template <class Columns>
struct GatRows {
  static constexpr int kD = 0, kWith = 1, kWithout = 2, kFloats = 3;
  struct State {
    float v[kFloats];
  };
  AttentionInputs in;
  Rows<const float> dy, log_sums;
  Rows<float> d, dleft;

  __device__ void begin(const Unit&, State& s) const { s.v[kD] = s.v[kWith] = s.v[kWithout] = 0; }
  __device__ void over(const Unit& u, std::int64_t begin, std::int64_t end, State& s) const {
    const unsigned mask = group_mask(u.lanes);
    const float left = in.own.row(u.row)[u.head], log_sum = log_sums.row(u.row)[u.head];
    const std::int64_t first = in.indptr[u.row];
    Columns gradient, x;
    gradient.load(u, in.width, dy.row(u.row));
    for (std::int64_t e = begin; e < end; ++e) {
      const std::int32_t c = __ldg(in.indices + e);
      x.load(u, in.width, in.x.row(c));
      const float z = left + __ldg(in.other.row(c) + u.head);
      const float alpha = expf(rectified(z, in.slope) - log_sum);
      const float dalpha = head_product(u, mask, gradient, x) * dropout_factor(in, u.row, e - first, u.head);
      const float r = alpha * rectifier(z, in.slope);
      s.v[kD] = fmaf(alpha, dalpha, s.v[kD]);
      s.v[kWith] = fmaf(r, dalpha, s.v[kWith]);
      s.v[kWithout] += r;
    }
  }
  __device__ void merge(State& s, const State& other) const {
    for (int k = 0; k < kFloats; ++k) s.v[k] += other.v[k];
  }
  __device__ void finish(const Unit& u, State& s) const {
    if (u.lane != 0) return;
    d.row(u.row)[u.head] = s.v[kD];
    dleft.row(u.row)[u.head] = s.v[kWith] - s.v[kD] * s.v[kWithout];
  }
};

/// Over the transpose: row j is a source, entry i a destination.
template <class Columns>
struct GatColumns {
  static constexpr int kScore = Columns::kFloats, kFloats = kScore + 1;
  struct State {
    float v[kFloats];  ///< dx's columns, dright
  };
  AttentionInputs in;  ///< own: right, other: left
  Rows<const float> dy, log_sums, d, dleft;
  Rows<float> dright, dx;  ///< dx without data: not wanted
  const float *a_src, *a_dst;
  std::int64_t destinations;
  float beta;

  __device__ void begin(const Unit&, State& s) const {
    for (int k = 0; k < kFloats; ++k) s.v[k] = 0;
  }
  __device__ void over(const Unit& u, std::int64_t begin, std::int64_t end, State& s) const {
    const unsigned mask = group_mask(u.lanes);
    const float right = in.own.row(u.row)[u.head];
    Columns x, gradient;
    x.load(u, in.width, in.x.row(u.row));
    for (std::int64_t e = begin; e < end; ++e) {
      const std::int32_t i = __ldg(in.indices + e);
      gradient.load(u, in.width, dy.row(i));
      const float z = right + __ldg(in.other.row(i) + u.head);
      const float alpha = expf(rectified(z, in.slope) - __ldg(log_sums.row(i) + u.head));
      const float factor =
          in.drops ? dropout_factor(in, i, __ldg(in.edge + e) - __ldg(in.indptr + i), u.head) : 1.0f;
      const float dalpha = head_product(u, mask, gradient, x) * factor;
      const float ds = alpha * (dalpha - __ldg(d.row(i) + u.head)) * rectifier(z, in.slope);
      s.v[kScore] += ds;
      for (int k = 0; k < Columns::kFloats; ++k) s.v[k] = fmaf(alpha * factor, gradient.v[k], s.v[k]);
    }
  }
  __device__ void merge(State& s, const State& other) const {
    for (int k = 0; k < kFloats; ++k) s.v[k] += other.v[k];
  }
  __device__ void finish(const Unit& u, State& s) const {
    if (u.lane == 0) dright.row(u.row)[u.head] = s.v[kScore];
    if (dx.data == nullptr) return;
    Columns sum, more;
    for (int k = 0; k < Columns::kFloats; ++k) sum.v[k] = s.v[k];
    add(u, s.v[kScore], a_src, sum);
    if (u.row < destinations && a_dst != nullptr) add(u, dleft.row(u.row)[u.head], a_dst, sum);
    if (beta != 0) {
      more.load(u, in.width, dx.row(u.row));
      for (int k = 0; k < Columns::kFloats; ++k) sum.v[k] = fmaf(beta, more.v[k], sum.v[k]);
    }
    sum.store(u, in.width, dx.row(u.row));
  }
  /// sum += factor · vector.
  __device__ void add(const Unit& u, float factor, const float* vector, Columns& sum) const {
    if (vector == nullptr) return;
    Columns v;
    v.load(u, in.width, vector);
    for (int k = 0; k < Columns::kFloats; ++k) sum.v[k] = fmaf(factor, v.v[k], sum.v[k]);
  }
};

/// GATv2. d_own = att ∘ (Σ α dα r − D Σ α r), r by column.
template <class Columns>
struct GatV2Rows {
  static constexpr int kN = Columns::kFloats, kD = 2 * kN, kFloats = kD + 1;
  struct State {
    float v[kFloats];  ///< Σ α dα r, Σ α r, D
  };
  AttentionInputs in;
  Rows<const float> dy, log_sums;
  Rows<float> d, d_own;  ///< d_own without data: not wanted
  float beta;

  __device__ void begin(const Unit&, State& s) const {
    for (int k = 0; k < kFloats; ++k) s.v[k] = 0;
  }
  __device__ void over(const Unit& u, std::int64_t begin, std::int64_t end, State& s) const {
    const unsigned mask = group_mask(u.lanes);
    const float log_sum = log_sums.row(u.row)[u.head];
    const std::int64_t first = in.indptr[u.row];
    Columns gradient, own, att, x;
    gradient.load(u, in.width, dy.row(u.row));
    own.load(u, in.width, in.own.row(u.row));
    att.load(u, in.width, in.att);
    for (std::int64_t e = begin; e < end; ++e) {
      x.load(u, in.width, in.x.row(__ldg(in.indices + e)));
      const float alpha = expf(additive_score(u, mask, in.slope, att, own, x) - log_sum);
      const float dalpha = head_product(u, mask, gradient, x) * dropout_factor(in, u.row, e - first, u.head);
      s.v[kD] = fmaf(alpha, dalpha, s.v[kD]);
      for (int k = 0; k < kN; ++k) {
        const float r = alpha * rectifier(own.v[k] + x.v[k], in.slope);
        s.v[k] = fmaf(r, dalpha, s.v[k]);
        s.v[kN + k] += r;
      }
    }
  }
  __device__ void merge(State& s, const State& other) const {
    for (int k = 0; k < kFloats; ++k) s.v[k] += other.v[k];
  }
  __device__ void finish(const Unit& u, State& s) const {
    if (u.lane == 0) d.row(u.row)[u.head] = s.v[kD];
    if (d_own.data == nullptr) return;
    Columns att, sum;
    att.load(u, in.width, in.att);
    for (int k = 0; k < kN; ++k) sum.v[k] = att.v[k] * (s.v[k] - s.v[kD] * s.v[kN + k]);
    if (beta != 0) {
      Columns old;
      old.load(u, in.width, d_own.row(u.row));
      for (int k = 0; k < kN; ++k) sum.v[k] = fmaf(beta, old.v[k], sum.v[k]);
    }
    sum.store(u, in.width, d_own.row(u.row));
  }
};

template <class Columns>
struct GatV2Columns {
  static constexpr int kN = Columns::kFloats, kFloats = 2 * kN;
  struct State {
    float v[kFloats];  ///< d_other, and Σ ds · leaky_relu(z)
  };
  AttentionInputs in;  ///< own: the sources' side, other: the destinations'
  Rows<const float> dy, log_sums, d;
  Rows<float> d_other, att_rows;  ///< without data: not wanted
  float beta;

  __device__ void begin(const Unit&, State& s) const {
    for (int k = 0; k < kFloats; ++k) s.v[k] = 0;
  }
  __device__ void over(const Unit& u, std::int64_t begin, std::int64_t end, State& s) const {
    const unsigned mask = group_mask(u.lanes);
    Columns x, att, gradient, other;
    x.load(u, in.width, in.x.row(u.row));
    att.load(u, in.width, in.att);
    for (std::int64_t e = begin; e < end; ++e) {
      const std::int32_t i = __ldg(in.indices + e);
      gradient.load(u, in.width, dy.row(i));
      other.load(u, in.width, in.other.row(i));
      const float score = additive_score(u, mask, in.slope, att, x, other);
      const float alpha = expf(score - __ldg(log_sums.row(i) + u.head));
      const float factor =
          in.drops ? dropout_factor(in, i, __ldg(in.edge + e) - __ldg(in.indptr + i), u.head) : 1.0f;
      const float dalpha = head_product(u, mask, gradient, x) * factor;
      const float ds = alpha * (dalpha - __ldg(d.row(i) + u.head));
      for (int k = 0; k < kN; ++k) {
        const float z = x.v[k] + other.v[k];
        s.v[k] += alpha * factor * gradient.v[k] + ds * att.v[k] * rectifier(z, in.slope);
        s.v[kN + k] = fmaf(ds, rectified(z, in.slope), s.v[kN + k]);
      }
    }
  }
  __device__ void merge(State& s, const State& other) const {
    for (int k = 0; k < kFloats; ++k) s.v[k] += other.v[k];
  }
  __device__ void finish(const Unit& u, State& s) const {
    Columns sum, old;
    if (att_rows.data != nullptr) {
      for (int k = 0; k < kN; ++k) sum.v[k] = s.v[kN + k];
      sum.store(u, in.width, att_rows.row(u.row));
    }
    if (d_other.data == nullptr) return;
    for (int k = 0; k < kN; ++k) sum.v[k] = s.v[k];
    if (beta != 0) {
      old.load(u, in.width, d_other.row(u.row));
      for (int k = 0; k < kN; ++k) sum.v[k] = fmaf(beta, old.v[k], sum.v[k]);
    }
    sum.store(u, in.width, d_other.row(u.row));
  }
};

/// The same inputs seen from the transpose: the sides change places.
AttentionInputs transposed(Staging& call, AttentionInputs in, const TransposedCsr& t) {
  in.indices = call.read(t.csr.indices.span());
  in.edge = call.read(t.edge.span());
  std::swap(in.own, in.other);
  return in;
}

/// beta · y has a value before.
Rows<float> target(Staging& call, Tensor y, float beta, std::int64_t rows) {
  if (y.data == nullptr) return {};
  return beta == 0 && y.rows == rows ? call.write(y) : call.update(y);
}

}  // namespace
}  // namespace cuda

void attend_backward(Cuda on, CsrView<std::int32_t> a, const TransposedCsr& transpose,
                     const GatAttention& attention, const AttendedGradient& of,
                     const GatGradients& gradients) {
  using namespace cuda;
  const std::int64_t n = a.n(), columns_n = transpose.csr.n();
  Staging call(on, "attend_backward", {{"n", n}, {"m", a.m()}, {"cols", attention.x.cols}});
  const AttentionInputs in = inputs(call, a, attention);
  const Rows<const float> dy = call.read(of.dy), log_sums = call.read(of.log_sums);
  const Rows<float> d{call.scratch<float>(n * in.heads), in.heads};
  const Rows<float> dleft = call.write(gradients.dleft), dright = call.write(gradients.dright);
  const Rows<float> dx = target(call, gradients.dx, gradients.beta, columns_n);
  const float *a_src = call.read(gradients.a_src), *a_dst = call.read(gradients.a_dst);
  const AttentionInputs across = transposed(call, in, transpose);
  const auto rows = plan_on(call.device(), a, {}), columns = plan_on(call.device(), transpose.csr, {});
  const bool vectors = all_on_vectors({in.x, dy, constant(dx), {a_src, 0}, {a_dst, 0}});
  with_columns(in.width, vectors, [&](auto shape) {
    using Columns = decltype(shape);
    const int lanes = lanes_for(in.width, Columns::kFloats);
    sweep(call, *rows, a.indptr, GatRows<Columns>{in, dy, log_sums, d, dleft}, in.heads, lanes);
    sweep(call, *columns, transpose.csr.indptr.span(),
          GatColumns<Columns>{across, dy, log_sums, constant(d), constant(dleft), dright, dx, a_src, a_dst, n,
                              gradients.beta},
          in.heads, lanes);
  });
  call.finish();
}

void attend_backward(Cuda on, CsrView<std::int32_t> a, const TransposedCsr& transpose,
                     const GatV2Attention& attention, const AttendedGradient& of,
                     const GatV2Gradients& gradients) {
  using namespace cuda;
  const std::int64_t n = a.n(), columns_n = transpose.csr.n(), cols = attention.scores.other.cols;
  Staging call(on, "attend_backward", {{"n", n}, {"m", a.m()}, {"cols", cols}});
  const AttentionInputs in = inputs(call, a, attention);
  const Rows<const float> dy = call.read(of.dy), log_sums = call.read(of.log_sums);
  const Rows<float> d{call.scratch<float>(n * in.heads), in.heads};
  const Rows<float> d_own = target(call, gradients.d_own, gradients.own_beta, n);
  const Rows<float> d_other = target(call, gradients.d_other, gradients.other_beta, columns_n);
  const bool att_wanted = !gradients.d_att.empty();
  Rows<float> att_rows;
  if (att_wanted) att_rows = {call.scratch<float>(columns_n * cols), cols};
  const AttentionInputs across = transposed(call, in, transpose);
  const auto rows = plan_on(call.device(), a, {}), columns = plan_on(call.device(), transpose.csr, {});
  const bool vectors =
      all_on_vectors({in.own, in.x, dy, constant(d_own), constant(d_other), constant(att_rows), {in.att, 0}});
  with_columns(in.width, vectors, [&](auto shape) {
    using Columns = decltype(shape);
    const int lanes = lanes_for(in.width, Columns::kFloats);
    sweep(call, *rows, a.indptr, GatV2Rows<Columns>{in, dy, log_sums, d, d_own, gradients.own_beta}, in.heads,
          lanes);
    sweep(call, *columns, transpose.csr.indptr.span(),
          GatV2Columns<Columns>{across, dy, log_sums, constant(d), d_other, att_rows, gradients.other_beta},
          in.heads, lanes);
  });
  if (att_wanted) column_sums(call, {att_rows.data, cols}, columns_n, cols, call.write(gradients.d_att));
  call.finish();
}

}  // namespace kith
