// One thread an element: what is limited by memory alone.
#include <cmath>

#include "kith/kernels/cpu/dropout.h"
#include "kith/kernels/cuda/elements.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {

using cuda::over_elements;
using cuda::Staging;

namespace {

using Index = std::int64_t;

/// y[i, j] = f(x[i, j], y[i, j]); y is read where `keeps`.
template <class F>
void map(Cuda on, const char* name, ConstTensor x, Tensor y, bool keeps, F f) {
  Staging call(on, name, {{"rows", y.rows}, {"cols", y.cols}});
  const auto from = call.read(x);
  const auto to = keeps ? call.update(y) : call.write(y);
  over_elements(call, y.rows, y.cols, [=] __device__(Index i, Index j) {
    float& out = to.row(i)[j];
    out = f(from.row(i)[j], keeps ? out : 0.0f);
  });
  call.finish();
}

/// dx = dy · slope(y) + beta · dx.
template <class F>
void map_backward(Cuda on, const char* name, ConstTensor y, ConstTensor dy, float beta, Tensor dx, F f) {
  Staging call(on, name, {{"rows", y.rows}, {"cols", y.cols}});
  const auto out = call.read(y), gradient = call.read(dy);
  const auto to = beta == 0 ? call.write(dx) : call.update(dx);
  over_elements(call, y.rows, y.cols, [=] __device__(Index i, Index j) {
    float& target = to.row(i)[j];
    target = f(out.row(i)[j], gradient.row(i)[j]) + cuda::scaled(beta, target);
  });
  call.finish();
}

}  // namespace

void relu(Cuda on, ConstTensor x, Tensor y) {
  map(on, "relu", x, y, false, [] __device__(float v, float) { return v > 0 ? v : 0.0f; });
}
void elu(Cuda on, ConstTensor x, Tensor y) {
  map(on, "elu", x, y, false, [] __device__(float v, float) { return v > 0 ? v : expm1f(v); });
}
void relu_backward(Cuda on, ConstTensor y, ConstTensor dy, float beta, Tensor dx, float scale) {
  map_backward(on, "relu_backward", y, dy, beta, dx,
               [=] __device__(float v, float g) { return v > 0 ? scale * g : 0.0f; });
}
void elu_backward(Cuda on, ConstTensor y, ConstTensor dy, float beta, Tensor dx) {
  map_backward(on, "elu_backward", y, dy, beta, dx,
               [] __device__(float v, float g) { return v > 0 ? g : g * (v + 1); });
}
void axpby(Cuda on, float alpha, ConstTensor x, float beta, Tensor y) {
  map(on, "axpby", x, y, beta != 0,
      [=] __device__(float v, float old) { return fmaf(alpha, v, cuda::scaled(beta, old)); });
}
void fill(Cuda on, float value, Tensor y) {
  Staging call(on, "fill", {{"rows", y.rows}, {"cols", y.cols}});
  const auto to = call.write(y);
  over_elements(call, y.rows, y.cols, [=] __device__(Index i, Index j) { to.row(i)[j] = value; });
  call.finish();
}
void maximum(Cuda on, ConstTensor a, ConstTensor b, Tensor y) {
  Staging call(on, "maximum", {{"rows", y.rows}, {"cols", y.cols}});
  const auto u = call.read(a), v = call.read(b);
  const auto to = call.write(y);
  over_elements(call, y.rows, y.cols, [=] __device__(Index i, Index j) {
    const float left = u.row(i)[j], right = v.row(i)[j];
    to.row(i)[j] = left < right ? right : left;
  });
  call.finish();
}
void maximum_backward(Cuda on, ConstTensor a, ConstTensor b, Side side, ConstTensor dy, float beta,
                      Tensor dx) {
  Staging call(on, "maximum_backward", {{"rows", dy.rows}, {"cols", dy.cols}});
  const auto u = call.read(a), v = call.read(b), gradient = call.read(dy);
  const auto to = beta == 0 ? call.write(dx) : call.update(dx);
  over_elements(call, dy.rows, dy.cols, [=] __device__(Index i, Index j) {
    const bool chosen = (u.row(i)[j] >= v.row(i)[j]) == (side == Side::first);
    float& target = to.row(i)[j];
    target = (chosen ? gradient.row(i)[j] : 0.0f) + cuda::scaled(beta, target);
  });
  call.finish();
}
void spread_heads(Cuda on, std::span<const float> a, Tensor blocks) {
  Staging call(on, "spread_heads", {{"heads", blocks.rows}, {"cols", blocks.cols}});
  const float* from = call.read(a);
  const auto to = call.write(blocks);
  const Index width = blocks.cols / blocks.rows;
  over_elements(call, blocks.rows, blocks.cols,
                [=] __device__(Index h, Index j) { to.row(h)[j] = j / width == h ? from[j] : 0.0f; });
  call.finish();
}
void gather_heads(Cuda on, ConstTensor blocks, float beta, std::span<float> a) {
  Staging call(on, "gather_heads", {{"heads", blocks.rows}, {"cols", blocks.cols}});
  const auto from = call.read(blocks);
  float* to = beta == 0 ? call.write(a) : call.update(a);
  const Index width = blocks.cols / blocks.rows;
  over_elements(call, 1, blocks.cols, [=] __device__(Index, Index j) {
    to[j] = from.row(j / width)[j] + cuda::scaled(beta, to[j]);
  });
  call.finish();
}

void add_bias(Cuda on, std::span<const float> bias, Tensor y) {
  Staging call(on, "add_bias", {{"rows", y.rows}, {"cols", y.cols}});
  const float* b = call.read(bias);
  const auto to = call.update(y);
  over_elements(call, y.rows, y.cols, [=] __device__(Index i, Index j) { to.row(i)[j] += __ldg(b + j); });
  call.finish();
}

void transpose(Cuda on, ConstTensor x, float beta, Tensor y) {
  Staging call(on, "transpose", {{"rows", x.rows}, {"cols", x.cols}});
  const auto from = call.read(x);
  const auto to = beta == 0 ? call.write(y) : call.update(y);
  over_elements(call, y.rows, y.cols, [=] __device__(Index i, Index j) {
    float& target = to.row(i)[j];
    target = from.row(j)[i] + cuda::scaled(beta, target);
  });
  call.finish();
}

void combine_columns(Cuda on, const ColumnTerms& terms, ConstTensor u, ConstTensor v, Tensor y) {
  Staging call(on, "combine_columns", {{"rows", y.rows}, {"cols", y.cols}});
  const float *p = call.read(terms.p), *q = call.read(terms.q), *r = call.read(terms.r);
  const auto a = call.read(u), b = call.read(v);
  const float beta = terms.beta;
  const auto to = beta == 0 ? call.write(y) : call.update(y);
  over_elements(call, y.rows, y.cols, [=] __device__(Index i, Index j) {
    float& out = to.row(i)[j];
    const float second = q == nullptr ? 0.0f : __ldg(q + j) * b.row(i)[j];
    out = __ldg(p + j) * a.row(i)[j] + second + __ldg(r + j) + cuda::scaled(beta, out);
  });
  call.finish();
}

namespace {

void drop(Cuda on, const DropoutMask& mask, std::span<const StoreId> rows, ConstTensor x, Tensor y) {
  Staging call(on, "dropout", {{"rows", y.rows}, {"cols", y.cols}});
  const StoreId* ids = call.read(rows.first(static_cast<std::size_t>(x.rows)));
  const auto from = call.read(x);
  const auto to = mask.beta == 0 ? call.write(y) : call.update(y);
  const Index cols = x.cols, draws = (cols + 3) / 4;
  // A thread takes the four elements of a draw.
  over_elements(call, x.rows, draws, [=] __device__(Index i, Index draw) {
    const PhiloxWords words = draw_words(mask.key, ids[i], mask.step, static_cast<std::uint32_t>(draw));
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const Index j = 4 * draw + k;
      if (j >= cols) continue;
      float& out = to.row(i)[j];
      const float in = from.row(i)[j], active = mask.relu && !(in > 0) ? 0.0f : in;
      const float kept = words[static_cast<std::size_t>(k)] < mask.least ? 0.0f : mask.scale * active;
      out = kept + cuda::scaled(mask.beta, out);
    }
  });
  call.finish();
}

}  // namespace

void dropout(Cuda on, const RowDropout& dropout, ConstTensor x, float beta, Tensor y) {
  drop(on, mask_of(dropout.p, dropout.key, dropout.step, beta), dropout.rows, x, y);
}
void relu_dropout(Cuda on, const RowDropout& dropout, ConstTensor x, Tensor y) {
  DropoutMask mask = mask_of(dropout.p, dropout.key, dropout.step, 0);
  mask.relu = true;
  drop(on, mask, dropout.rows, x, y);
}

void edge_dropout(Cuda on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
                  const EdgeDropout& dropout, std::span<float> values) {
  const Index count = rows.empty() ? a.n() : std::ssize(rows);
  Staging call(on, "edge_dropout", {{"rows", count}, {"heads", heads}});
  const DropoutMask mask = mask_of(dropout.p, dropout.key, dropout.step, 0);
  const StoreId* ids = call.read(dropout.destinations);
  const std::int64_t* indptr = call.read(a.indptr);
  const std::int32_t* list = call.read(rows);
  float* to = call.update(values);
  cuda::over_warps(call, count, [=] __device__(Index position, int lane) {
    const Index i = list == nullptr ? position : list[position];
    const Index first = indptr[i] * heads, end = indptr[i + 1] * heads;
    for (Index at = first + lane; at < end; at += 32) {
      const auto word = cuda::drawn_word(mask.key, ids[i], mask.step, static_cast<std::uint64_t>(at - first));
      to[at] = word < mask.least ? 0.0f : mask.scale * to[at];
    }
  });
  call.finish();
}

void adam(Cuda on, const AdamStep& s, std::span<const float> gradient, std::span<float> m, std::span<float> v,
          std::span<float> weights) {
  Staging call(on, "adam", {{"weights", weights.size()}});
  const double t = static_cast<double>(s.t);
  const double correction1 = 1 - std::pow(static_cast<double>(s.beta1), t);
  const double correction2 = 1 - std::pow(static_cast<double>(s.beta2), t);
  const float l2 = s.decoupled ? 0.0f : s.weight_decay;
  const float keep = s.decoupled ? 1.0f - s.lr * s.weight_decay : 1.0f;
  const auto step_size = static_cast<float>(s.lr / correction1);
  const auto sqrt_correction = static_cast<float>(std::sqrt(correction2));
  const auto rest1 = static_cast<float>(1.0 - s.beta1), rest2 = static_cast<float>(1.0 - s.beta2);
  const float beta1 = s.beta1, beta2 = s.beta2, epsilon = s.epsilon;
  const float* dw = call.read(gradient);
  float *first = call.update(m), *second = call.update(v), *w = call.update(weights);
  over_elements(call, 1, std::ssize(weights), [=] __device__(Index, Index j) {
    const float weight = w[j] * keep, g = dw[j] + l2 * weight;
    first[j] = beta1 * first[j] + rest1 * g;
    second[j] = beta2 * second[j] + rest2 * (g * g);
    w[j] = weight - step_size * (first[j] / (sqrtf(second[j]) / sqrt_correction + epsilon));
  });
  call.finish();
}

void sgd(Cuda on, const SgdStep& s, std::span<const float> gradient, std::span<float> momentum,
         std::span<float> weights) {
  Staging call(on, "sgd", {{"weights", weights.size()}});
  const float* dw = call.read(gradient);
  float* buffer = s.momentum == 0 ? nullptr : call.update(momentum);
  float* w = call.update(weights);
  const SgdStep step = s;
  over_elements(call, 1, std::ssize(weights), [=] __device__(Index, Index j) {
    float g = dw[j] + step.weight_decay * w[j];
    if (buffer != nullptr) {
      // The first step must not read a buffer nobody has written.
      g += step.first ? 0.0f : step.momentum * buffer[j];
      buffer[j] = g;
    }
    w[j] -= step.lr * g;
  });
  call.finish();
}

}  // namespace kith
