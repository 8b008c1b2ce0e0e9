#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "kith/exec/model.h"

namespace kith {

/// A run's best weights as a safetensors file whose names and shapes are those of PyTorch Geometric's model
/// of the same shape (`model.load_state_dict(safetensors.torch.load_file(file))`); the metadata holds
/// `settings` of the model and, as "pyg", what is returned: the call that makes that model. Throws InputError
/// or CorruptError.
std::string export_weights(const std::filesystem::path& run, const ModelOptions& options,
                           const std::map<std::string, std::string>& settings,
                           const std::filesystem::path& file);

}  // namespace kith
