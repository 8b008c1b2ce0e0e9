#pragma once
#include "kith/exec/layer_graph.h"
#include "kith/exec/tape.h"

namespace kith {

/// The differentiable ops a model is made of. Each returns a new value and records its backward pass; none
/// knows how many ranks there are. Those that take a Var by value are element-wise and work in its memory
/// when it is moved in and nobody else holds it.

/// y = x Wᵀ (+ b). x [n, in], W [out, in], b [out].
Var linear(Tape& tape, const Var& x, const Parameter& weight);
Var linear(Tape& tape, const Var& x, const Parameter& weight, const Parameter& bias);
/// y = x Wᵀ + z Vᵀ + b.
Var linear_sum(Tape& tape, const Var& x, const Parameter& x_weight, const Var& z, const Parameter& z_weight,
               const Parameter& bias);
Var add_bias(Tape& tape, Var x, const Parameter& bias);

Var add(Tape& tape, Var a, Var b);
/// [a, b] side by side: [n, d] and [n, e] → [n, d + e].
Var concatenate(Tape& tape, const Var& a, const Var& b);
/// Element-wise; where they are equal, a gets the gradient.
Var maximum(Tape& tape, const Var& a, const Var& b);
Var relu(Tape& tape, Var x);
Var elu(Tape& tape, Var x);
/// Inverted dropout in training, the identity in inference. Row i is the graph's source i; the mask of a node
/// is the same wherever it is computed.
Var dropout(Tape& tape, const LayerGraph& graph, Var x, double p);
/// dropout(relu(x)) in one pass: the same bits.
Var relu_dropout(Tape& tape, const LayerGraph& graph, Var x, double p);

/// (1 + epsilon) · x for a trained number.
Var scale_by_one_plus(Tape& tape, const Var& x, const Parameter& epsilon);
/// x[i, j] · weight[j] + bias[j].
Var scale_and_shift(Tape& tape, const Var& x, const Parameter& weight, const Parameter& bias);
/// Ba et al. 2016: every row to mean 0 and variance 1, then scaled and shifted.
Var layer_norm(Tape& tape, const Var& x, const Parameter& weight, const Parameter& bias);
/// Ioffe & Szegedy 2015: every column to mean 0 and variance 1, then scaled and shifted. In training the
/// statistics are of x's rows on all ranks that the graph adds up over (full graph: all; a sampled batch:
/// this rank's), and the running ones move towards them by kNormMomentum; in inference the running ones are
/// used.
struct RunningStatistics {
  const Parameter& mean;
  const Parameter& variance;
};
inline constexpr double kNormMomentum = 0.1;
Var batch_norm(Tape& tape, const LayerGraph& graph, const Var& x, const Parameter& weight,
               const Parameter& bias, const RunningStatistics& running);

/// x [destinations, d] → [sources, d] by the graph's halo exchange, where that is one that keeps values from
/// step to step; else x as it is. What is kept must not hold one step's dropout: models call this before they
/// drop.
bool keeps_halo(const LayerGraph& graph);
Var with_kept_halo(Tape& tape, const LayerGraph& graph, Var x);
/// The first so many rows of x; the destinations' own rows, the first graph.destinations() of x.
Var first_rows(Tape& tape, const Var& x, std::int64_t rows);
Var destination_rows(Tape& tape, const LayerGraph& graph, const Var& x);

/// y[i] = Σ over i's in-edges with the graph's scales (kernels/spmm.h). x has the rows of all sources, or of
/// the destinations alone: then the others' rows come by the graph's halo exchange. y [destinations, d].
Var aggregate(Tape& tape, const LayerGraph& graph, const Var& x, const SpmmScales& scales);
/// The mean over in-neighbours; 0 where there are none.
Var mean(Tape& tape, const LayerGraph& graph, const Var& x);
/// The plain sum over in-neighbours.
Var sum(Tape& tape, const LayerGraph& graph, const Var& x);
/// The element-wise maximum over in-neighbours; 0 where there are none. Of equal ones the first in the row
/// has the gradient.
Var neighbour_maximum(Tape& tape, const LayerGraph& graph, const Var& x);
/// D^-1/2 (A + I) D^-1/2 x with full-graph degrees.
Var gcn_aggregate(Tape& tape, const LayerGraph& graph, const Var& x);

/// Graph attention (Veličković et al. 2018) over h [sources or destinations, heads · d]: per head
/// s = leaky_relu(⟨a_dst, h_i⟩ + ⟨a_src, h_j⟩), y_i = Σ_j dropout(softmax_j s) h_j. a_src, a_dst [1, heads ·
/// d].
struct AttentionOptions {
  int heads = 1;
  float slope = 0.2f;
  double dropout = 0;  ///< of the attention weights, in training
};
Var attend(Tape& tape, const LayerGraph& graph, const Var& h, const Parameter& a_src, const Parameter& a_dst,
           const AttentionOptions& options);
/// GATv2 (Brody et al. 2022): s = ⟨att, leaky_relu(left_i + right_j)⟩ per head, y_i = Σ_j dropout(softmax_j
/// s) right_j. left [destinations, heads · d], right [sources or destinations, heads · d], att [1, heads ·
/// d].
Var attend_additive(Tape& tape, const LayerGraph& graph, const Var& left, const Var& right,
                    const Parameter& att, const AttentionOptions& options);
/// The mean over heads: [n, heads · d] → [n, d].
Var mean_heads(Tape& tape, const Var& x, int heads);

}  // namespace kith
