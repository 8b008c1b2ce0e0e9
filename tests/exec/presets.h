#pragma once
#include <string>

#include "kith/exec/halo/protocol.h"

namespace kith::test {

/// Whether a plan goes with a model: attention scores whole rows.
inline bool plan_fits(const std::string& plan, const std::string& model) {
  return !make_plan(plan)->splits_columns() || !model.starts_with("gat");
}

inline bool by_groups(const HaloPreset& preset) { return preset.axes.route.starts_with("replicated"); }

/// Whether a preset goes with a model: what drops rows, or sums on its way, needs fixed edge weights.
inline bool fits(const HaloPreset& preset, const std::string& model) {
  const HaloProtocol protocol = protocol_named(preset.name);
  if (!plan_fits(protocol.plan, model)) return false;
  const bool sums = protocol.route == "ring" || by_groups(preset);
  return model == "gcn" || (!make_select(protocol.select)->drops_rows() && !sums);
}

/// Enough for two groups of two.
inline int ranks_for(const HaloPreset& preset) { return by_groups(preset) ? 4 : 3; }

}  // namespace kith::test
