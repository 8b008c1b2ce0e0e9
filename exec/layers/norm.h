#pragma once
#include <optional>
#include <string>

#include "kith/exec/ops.h"
#include "kith/exec/parameter.h"

namespace kith {

/// Between a layer and its activation, as the setting `norm` names it. Parameters are named as PyG's
/// LayerNorm (mode "node") and BatchNorm.
class Norm {
 public:
  /// `kind`: none | layer | batch | batch-approx.
  Norm(Parameters& parameters, const std::string& name, std::int64_t width, const std::string& kind);
  Var forward(Tape& tape, const LayerGraph& graph, Var x) const;

 private:
  const Parameter* weight_ = nullptr;  ///< none: null
  const Parameter* bias_ = nullptr;
  std::optional<RunningStatistics> running_;
};

}  // namespace kith
