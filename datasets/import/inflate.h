#pragma once
#include <span>
#include <string_view>

#include "kith/core/array.h"

namespace kith {

/// The bytes of a raw deflate stream that must inflate to exactly `size`. `where` begins messages. Throws
/// InputError on damage, and on a size that no stream of this length can reach (before it is allocated).
Array<std::byte> inflated(std::span<const std::byte> stream, std::uint64_t size, std::string_view where);

/// The bytes of a gzip file of one or more members. Throws InputError on damage or a cut-off file.
Array<std::byte> gunzipped(std::span<const std::byte> file, std::string_view where);

}  // namespace kith
