#pragma once
#include <string>
#include <vector>

#include "kith/exec/halo/axes.h"
#include "kith/exec/model.h"

namespace kith {

/// A published system, or a protocol of our own, as values of the axes; docs/protocols.md sets it beside its
/// paper.
struct HaloPreset {
  const char* name;
  const char* parameter;  ///< its key, "p" in bns-gcn:p=0.1; null: none
  const char* fallback;   ///< of the parameter
  HaloProtocol axes;      ///< with {} where the parameter goes
  const char* idea;
};
const std::vector<HaloPreset>& halo_presets();
/// The axes behind "pipegcn", "bns-gcn:p=0.2". Throws InputError on an unknown name, with the nearest known
/// one, and on a parameter it does not have.
HaloProtocol protocol_named(const std::string& text);

/// The axes as the flags that ask for them, a line each.
std::string explained(const HaloProtocol& protocol);

/// Whether what crosses depends on the rows themselves, so that it cannot be counted without training.
bool data_decide(const HaloProtocol& protocol);

/// Throws InputError on an unknown value or a wrong parameter of any axis.
void check_values(const HaloProtocol& protocol);
/// Throws InputError where a value would be wrong for the model, with the reason.
void check_protocol(const HaloProtocol& protocol, const Model& model);

}  // namespace kith
