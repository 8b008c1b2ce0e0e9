#pragma once
#include "kith/datasets/prepare.h"
#include "kith/datasets/text/edge_reader.h"

namespace kith {

/// Makes the store of a list of edges in `budget` bytes of memory: edges are sorted on disk beside the store,
/// which is written once, from front to back. In memory are 8 bytes a node, the ids that are mapped, and what
/// the budget leaves for sorting. The store equals that of `prepare` byte for byte. Throws MemoryError when
/// the nodes alone do not fit, InputError for bad lines and a full disk.
PrepareReport prepare_external(const std::filesystem::path& raw, const std::filesystem::path& store,
                               const PrepareOptions& options, std::int64_t budget);

/// Why `prepare_external` cannot do what is asked for, or nothing.
std::string external_obstacle(const PrepareOptions& options);

}  // namespace kith
