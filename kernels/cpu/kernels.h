#pragma once
#include "kith/kernels/additive_attention.h"
#include "kith/kernels/attention.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/fused_attention.h"
#include "kith/kernels/loss.h"
#include "kith/kernels/max.h"
#include "kith/kernels/norm.h"
#include "kith/kernels/optimiser.h"
#include "kith/kernels/quantise.h"
#include "kith/kernels/rows.h"
#include "kith/kernels/sparse_rows.h"
#include "kith/kernels/spmm.h"

/// The host's overload of every kernel: the public contract with `Cpu` as its first argument. Shapes have
/// been checked by the caller, kernels/*.cc.
namespace kith {

void spmm(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, const SpmmScales& scales,
          const StoredRows& x, Tensor y);

void sddmm_dot(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads, ConstTensor u,
               ConstTensor v, std::span<float> out);
void edge_softmax(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, ConstTensor left,
                  ConstTensor right, float slope, std::span<float> alpha);
void edge_softmax_backward(Cpu, CsrView<std::int32_t> a, ConstTensor left, ConstTensor right, float slope,
                           std::span<const float> alpha, std::span<float> dalpha, Tensor dleft, float beta);
void sum_edges(Cpu, CsrView<std::int32_t> a, std::span<const std::int64_t> edge,
               std::span<const float> values, Tensor y, float beta);
void edge_dropout(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
                  const EdgeDropout& dropout, std::span<float> values);

void additive_scores(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
                     const AdditiveScores& scores, std::span<float> values);
void additive_scores_backward(Cpu, CsrView<std::int32_t> a, std::span<const std::int64_t> edge,
                              const AdditiveScores& scores, std::span<const float> ds, Tensor d_own);
void attention_vector_backward(Cpu, CsrView<std::int32_t> a, const AdditiveScores& scores,
                               std::span<const float> ds, std::span<double> d_att);
void row_softmax(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
                 std::span<float> values);
void row_softmax_backward(Cpu, CsrView<std::int32_t> a, int heads, std::span<const float> alpha,
                          std::span<float> dvalues);

void attend(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, const GatAttention& attention,
            const Attended& out);
void attend(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, const GatV2Attention& attention,
            const Attended& out);
void attend_backward(Cpu, CsrView<std::int32_t> a, const TransposedCsr& transpose,
                     const GatAttention& attention, const AttendedGradient& of,
                     const GatGradients& gradients);
void attend_backward(Cpu, CsrView<std::int32_t> a, const TransposedCsr& transpose,
                     const GatV2Attention& attention, const AttendedGradient& of,
                     const GatV2Gradients& gradients);

SparseRows nonzeros(Cpu, ConstTensor x);
/// y = xᵀ + beta · y.
void transpose(Cpu, ConstTensor x, float beta, Tensor y);

/// How much of its partial products a sum over `rows` keeps, for a result of `size`.
std::size_t matmul_partial_floats(std::int64_t rows, std::int64_t size);
void matmul(Cpu, Trans trans_a, ConstTensor a, Trans trans_b, ConstTensor b, float beta, Tensor c);
void affine(Cpu, ConstTensor x, ConstTensor w, std::span<const float> bias, float beta, Tensor y);
void add_bias(Cpu, std::span<const float> bias, Tensor y);
void bias_backward(Cpu, ConstTensor dy, float beta, std::span<float> dbias);
void relu(Cpu, ConstTensor x, Tensor y);
void elu(Cpu, ConstTensor x, Tensor y);
void relu_backward(Cpu, ConstTensor y, ConstTensor dy, float beta, Tensor dx, float scale);
void elu_backward(Cpu, ConstTensor y, ConstTensor dy, float beta, Tensor dx);
void fill(Cpu, float value, Tensor y);
void maximum(Cpu, ConstTensor a, ConstTensor b, Tensor y);
void maximum_backward(Cpu, ConstTensor a, ConstTensor b, Side side, ConstTensor dy, float beta, Tensor dx);
void spread_heads(Cpu, std::span<const float> a, Tensor blocks);
void gather_heads(Cpu, ConstTensor blocks, float beta, std::span<float> a);
void axpby(Cpu, float alpha, ConstTensor x, float beta, Tensor y);
void dropout(Cpu, const RowDropout& dropout, ConstTensor x, float beta, Tensor y);
void relu_dropout(Cpu, const RowDropout& dropout, ConstTensor x, Tensor y);

double softmax_cross_entropy(Cpu, ConstTensor logits, std::span<const std::int64_t> labels,
                             std::span<const std::int32_t> rows, float scale, Tensor dlogits);
double sigmoid_cross_entropy(Cpu, ConstTensor logits, ConstTensor targets, std::span<const std::int32_t> rows,
                             float scale, Tensor dlogits);
std::int64_t count_correct(Cpu, ConstTensor logits, std::span<const std::int64_t> labels,
                           std::span<const std::int32_t> rows);

void row_maximum(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, ConstTensor x, Tensor y,
                 std::span<std::int32_t> slots);
void row_maximum_backward(Cpu, CsrView<std::int32_t> a, const TransposedCsr& t,
                          std::span<const std::int32_t> slots, ConstTensor dy, float beta, Tensor dx);

void column_moments(Cpu, ConstTensor a, ConstTensor b, std::span<double> sums);
void combine_columns(Cpu, const ColumnTerms& terms, ConstTensor u, ConstTensor v, Tensor y);
void standardise_rows(Cpu, ConstTensor x, float epsilon, Tensor y, std::span<float> inverse);
void standardise_rows_backward(Cpu, ConstTensor y, std::span<const float> inverse, ConstTensor dy, float beta,
                               Tensor dx);

void adam(Cpu, const AdamStep& step, std::span<const float> gradient, std::span<float> m, std::span<float> v,
          std::span<float> weights);
void sgd(Cpu, const SgdStep& step, std::span<const float> gradient, std::span<float> momentum,
         std::span<float> weights);

void gather_rows(Cpu, ConstTensor x, std::span<const std::int32_t> rows, Tensor out);
void add_rows(Cpu, ConstTensor x, std::span<const std::int32_t> rows, Tensor y);
void put_rows(Cpu, ConstTensor x, std::span<const std::int32_t> rows, Tensor y);
void gather_bytes(Cpu, const std::byte* x, std::int64_t row_bytes, std::span<const std::int64_t> rows,
                  std::byte* out);
void decode_rows(Cpu, const std::byte* x, DType type, std::span<const float> scales, Tensor y);
void encode_rows(Cpu, ConstTensor x, DType type, std::byte* out, std::span<float> scales);
/// y = bf16 or fp16 rows.
void decode_halves(const std::byte* x, DType type, Tensor y);

void quantise_rows(Cpu, ConstTensor x, std::span<const std::int32_t> rows, std::span<const StoreId> ids,
                   int bits, const RoundingDraws& draws, std::byte* out);
void quantise_rows_to_nearest(Cpu, ConstTensor x, int bits, std::byte* out);
void dequantise_rows(Cpu, const std::byte* wire, int bits, Tensor y);

}  // namespace kith
