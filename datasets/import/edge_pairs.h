#pragma once
#include <utility>

#include "kith/datasets/import/raw_dataset.h"
#include "kith/datasets/npy.h"

namespace kith {

// Edges from [2, E] or [E, 2] (source first) of any integer type; [2, 2] is read as [2, E].

/// The edges as (source, destination).
std::pair<Array<std::int64_t>, Array<std::int64_t>> edge_pairs_of(const NpyView& view);
/// The edges of n nodes in the narrowest width that holds all ids, those outside [0, n) too: they are for
/// `validate` to refuse.
RawEdges edges_of_pairs(const NpyView& view, std::int64_t n);
/// One more than the largest id; throws InputError with the position of an id that is negative or absurd for
/// so few edges.
std::int64_t nodes_spanned(const NpyView& view);

}  // namespace kith
