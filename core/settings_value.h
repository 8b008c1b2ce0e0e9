#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/settings.h"

namespace kith::detail {

/// The value in its one canonical spelling ("yes" → "true", "0.010" → "0.01", "15, 10" → "15,10"), so that
/// equal settings have equal hashes. Throws InputError that begins with `source` when type, range or choice
/// is wrong.
std::string canonical_value(const Setting& setting, std::string_view value, const std::string& source);

/// A canonical "15,10,5" as numbers.
std::vector<std::int64_t> parsed_integers(std::string_view text);

/// Lower case, '_' as '-'.
std::string canonical_name(std::string_view name);

}  // namespace kith::detail
