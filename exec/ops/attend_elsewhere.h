#pragma once
#include <array>

#include "kith/exec/ops.h"
#include "kith/kernels/attention.h"

namespace kith {

/// Attention of a graph whose rows cross ranks in ways of their own: `inputs` are h, a_src and a_dst, or
/// left, right and att.
struct AttentionCall {
  const LayerGraph& graph;
  const std::array<Var, 3>& inputs;
  const AttentionOptions& options;
  const EdgeDropout& mask;
  const HaloPass& pass;
};

/// Every rank attends with its columns of all nodes' rows and all edges.
Var attend_by_columns(Tape& tape, const AttentionCall& call);
Var attend_additive_by_columns(Tape& tape, const AttentionCall& call);

/// Every rank's rows are attended to when they arrive and dropped; the backward pass fetches them again.
Var attend_in_rounds(Tape& tape, const AttentionCall& call);
Var attend_additive_in_rounds(Tape& tape, const AttentionCall& call);

}  // namespace kith
