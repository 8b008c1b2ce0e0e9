#pragma once
#include <string>
#include <vector>

#include "kith/exec/memory_by_model.h"

namespace kith {

/// What `kith inspect` tells of a store or partitioned store as one page of HTML that needs nothing else.
/// `description` is Description::json.
std::string data_page(const std::string& description, const std::vector<ModelMemory>& memory, int ranks);

}  // namespace kith
