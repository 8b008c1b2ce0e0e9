#pragma once
#include <cstdint>
#include <string>

namespace kith {

/// "part-00003/".
std::string part_prefix(int part);

/// The fingerprint of a store's graph in one part, which needs no look at an assignment of zeros.
std::uint64_t fingerprint_of_whole(std::uint64_t graph_fingerprint);

}  // namespace kith
