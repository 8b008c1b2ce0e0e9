#pragma once
#include <string>

#include "kith/exec/halo/protocol.h"

namespace kith::test {

/// Whether a preset goes with a model: what drops rows or sums at the owners needs fixed edge weights.
inline bool fits(const HaloPreset& preset, const std::string& model) {
  const HaloProtocol protocol = protocol_named(preset.name);
  return model == "gcn" ||
         (!make_select(protocol.select)->drops_rows() && protocol.plan != "partial-aggregates");
}

}  // namespace kith::test
