// The forward sweep: per row and head the largest score so far, the sum of exponentials relative to it and
// the sum of rows weighted by them (online softmax, Milakov & Gimelshein 2018). Nothing is made per entry.
#include "kith/kernels/cuda/fused_attention.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {
namespace cuda {
namespace {

template <class Columns, bool kAdditive>
struct AttendSweep {
  static constexpr int kMost = Columns::kFloats, kSum = kMost + 1, kFloats = kMost + 2;
  /// Entries on their way at a time; wide heads fill the registers alone.
  static constexpr int kUnroll = kMost > 8 ? 1 : 4;
  struct State {
    float v[kFloats];  ///< the columns' sums, the largest score, the sum of exponentials
  };

  AttentionInputs in;
  Rows<float> y, log_sums;

  __device__ void begin(const Unit&, State& s) const {
    for (int k = 0; k < kFloats; ++k) s.v[k] = 0;
    s.v[kMost] = kNothing;
  }

  __device__ void rescale(State& s, float largest) const {
    if (largest <= s.v[kMost]) return;
    const float shrink = expf(s.v[kMost] - largest);
    for (int k = 0; k < Columns::kFloats; ++k) s.v[k] *= shrink;
    s.v[kSum] *= shrink;
    s.v[kMost] = largest;
  }

  /// What a group reads of its own row before the first entry.
  struct Own {
    float score;
    Columns columns, att;
    std::int64_t first;
    unsigned mask;
  };

  template <int kCount>
  __device__ void take(const Unit& u, const Own& own, std::int64_t e, State& s) const {
    std::int32_t c[kCount];
    Columns x[kCount];
    float score[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) c[k] = __ldg(in.indices + e + k);
#pragma unroll
    for (int k = 0; k < kCount; ++k) x[k].load(u, in.width, in.x.row(c[k]));
    float largest = kNothing;
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
      score[k] = kAdditive ? additive_score(u, own.mask, in.slope, own.att, own.columns, x[k])
                           : rectified(own.score + __ldg(in.other.row(c[k]) + u.head), in.slope);
      largest = fmaxf(largest, score[k]);
    }
    rescale(s, largest);
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
      const float exponential = expf(score[k] - s.v[kMost]);
      s.v[kSum] += exponential;
      const float weight = exponential * dropout_factor(in, u.row, e + k - own.first, u.head);
      for (int j = 0; j < Columns::kFloats; ++j) s.v[j] = fmaf(weight, x[k].v[j], s.v[j]);
    }
  }

  __device__ void over(const Unit& u, std::int64_t begin, std::int64_t end, State& s) const {
    Own own{};
    own.mask = group_mask(u.lanes);
    own.first = in.indptr[u.row];
    if (kAdditive) {
      own.columns.load(u, in.width, in.own.row(u.row));
      own.att.load(u, in.width, in.att);
    } else {
      own.score = in.own.row(u.row)[u.head];
    }
    std::int64_t e = begin;
    if constexpr (kUnroll > 1)
      for (; e + kUnroll <= end; e += kUnroll) take<kUnroll>(u, own, e, s);
    for (; e < end; ++e) take<1>(u, own, e, s);
  }

  __device__ void merge(State& s, const State& other) const {
    rescale(s, other.v[kMost]);
    const float share = expf(other.v[kMost] - s.v[kMost]);
    for (int k = 0; k < Columns::kFloats; ++k) s.v[k] = fmaf(share, other.v[k], s.v[k]);
    s.v[kSum] = fmaf(share, other.v[kSum], s.v[kSum]);
  }

  __device__ void finish(const Unit& u, State& s) const {
    const float sum = s.v[kSum], inverse = sum > 0 ? 1 / sum : 0.0f;
    Columns out;
    for (int k = 0; k < Columns::kFloats; ++k) out.v[k] = inverse * s.v[k];
    out.store(u, in.width, y.row(u.row));
    if (u.lane == 0) log_sums.row(u.row)[u.head] = sum > 0 ? s.v[kMost] + logf(sum) : 0.0f;
  }
};

struct AttendCall {
  CsrView<std::int32_t> a;
  std::span<const std::int32_t> rows;
  AttentionInputs in;
  Rows<float> y, log_sums;
};

void attend(Staging& call, const AttendCall& c) {
  const bool additive = c.in.att != nullptr;
  const bool vectors =
      all_on_vectors({c.in.x, constant(c.y)}) && (!additive || all_on_vectors({c.in.own, {c.in.att, 0}}));
  const auto plan = plan_on(call.device(), c.a, c.rows);
  with_columns(c.in.width, vectors, [&](auto columns) {
    using Columns = decltype(columns);
    const int lanes = lanes_for(c.in.width, Columns::kFloats);
    const auto run = [&](const auto& work) { sweep(call, *plan, c.a.indptr, work, c.in.heads, lanes); };
    if (additive)
      run(AttendSweep<Columns, true>{c.in, c.y, c.log_sums});
    else
      run(AttendSweep<Columns, false>{c.in, c.y, c.log_sums});
  });
  call.finish();
}

}  // namespace

AttentionInputs inputs(Staging& call, CsrView<std::int32_t> a, const GatAttention& g) {
  return {.indices = call.read(a.indices),
          .heads = static_cast<int>(g.left.cols),
          .width = g.x.cols / g.left.cols,
          .slope = g.slope,
          .own = call.read(g.left),
          .other = call.read(g.right),
          .att = nullptr,
          .x = call.read(g.x),
          .drops = g.dropout.p > 0,
          .mask = mask_of(g.dropout.p, g.dropout.key, g.dropout.step, 0),
          .destinations = call.read(g.dropout.destinations),
          .edge = nullptr,
          .indptr = call.read(a.indptr)};
}

AttentionInputs inputs(Staging& call, CsrView<std::int32_t> a, const GatV2Attention& g) {
  const AdditiveScores& s = g.scores;
  const Rows<const float> other = call.read(s.other);
  return {.indices = call.read(a.indices),
          .heads = s.heads,
          .width = s.other.cols / s.heads,
          .slope = s.slope,
          .own = call.read(s.own),
          .other = other,
          .att = call.read(s.att),
          .x = other,
          .drops = g.dropout.p > 0,
          .mask = mask_of(g.dropout.p, g.dropout.key, g.dropout.step, 0),
          .destinations = call.read(g.dropout.destinations),
          .edge = nullptr,
          .indptr = call.read(a.indptr)};
}

namespace {

template <class Attention>
void attend_by(Cuda on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
               const Attention& attention, const Attended& out) {
  if (a.n() == 0) return;
  Staging call(on, "attend", {{"n", a.n()}, {"m", a.m()}, {"cols", out.y.cols}});
  const auto target = [&](Tensor t) {
    return rows.empty() && t.rows == a.n() ? call.write(t) : call.update(t);
  };
  attend(call, {.a = a,
                .rows = rows,
                .in = inputs(call, a, attention),
                .y = target(out.y),
                .log_sums = target(out.log_sums)});
}

}  // namespace
}  // namespace cuda

void attend(Cuda on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
            const GatAttention& attention, const Attended& out) {
  cuda::attend_by(on, a, rows, attention, out);
}
void attend(Cuda on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
            const GatV2Attention& attention, const Attended& out) {
  cuda::attend_by(on, a, rows, attention, out);
}

}  // namespace kith
