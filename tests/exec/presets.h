#pragma once
#include <string>

#include "kith/exec/halo/protocol.h"

namespace kith::test {

/// Whether a preset goes with a model: what drops rows needs fixed edge weights.
inline bool fits(const HaloPreset& preset, const std::string& model) {
  return model == "gcn" || !make_select(protocol_named(preset.name).select)->drops_rows();
}

}  // namespace kith::test
