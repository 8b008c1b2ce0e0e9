#pragma once
#include <string>

#include "kith/exec/halo/protocol.h"

namespace kith::test {

inline bool by_groups(const HaloPreset& preset) { return preset.axes.route.starts_with("replicated"); }

/// Whether a preset goes with a model: what drops rows, or sums on its way, needs fixed edge weights; rounds
/// are for attention, too.
inline bool fits(const HaloPreset& preset, const std::string& model) {
  const HaloProtocol protocol = protocol_named(preset.name);
  if (model == "gcn") return true;
  const bool ring = protocol.route == "ring" && !model.starts_with("gat");
  return !make_select(protocol.select)->drops_rows() && !ring && !by_groups(preset);
}

/// Enough for two groups of two.
inline int ranks_for(const HaloPreset& preset) { return by_groups(preset) ? 4 : 3; }

}  // namespace kith::test
