#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace kith {

/// The bytes of "2GiB", "1.5GB"; nothing for other texts.
std::optional<std::int64_t> parse_bytes(std::string_view text);

}  // namespace kith
