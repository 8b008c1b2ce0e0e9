#pragma once
#include <string>

#include "kith/exec/halo/protocol.h"

namespace kith::test {

/// Whether a plan goes with a model: attention scores whole rows.
inline bool plan_fits(const std::string& plan, const std::string& model) {
  return !make_plan(plan)->splits_columns() || !model.starts_with("gat");
}

/// Whether a preset goes with a model: what drops rows needs fixed edge weights.
inline bool fits(const HaloPreset& preset, const std::string& model) {
  if (!plan_fits(protocol_named(preset.name).plan, model)) return false;
  return model == "gcn" || !make_select(protocol_named(preset.name).select)->drops_rows();
}

}  // namespace kith::test
