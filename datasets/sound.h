#pragma once
#include "kith/datasets/partitioned_store.h"
#include "kith/datasets/store.h"

namespace kith {

/// Opening a store looks at headers only; whoever walks the graph by what its arrays say calls this first.
/// One pass over `indptr`, `indices`, splits, labels and names, in parallel: every value that is used as a
/// place lies in its bounds. Throws CorruptError with the file, the entry, the value and the bound. (`kith
/// verify` finds any changed byte.)
void expect_sound(const Store& store);
/// The same of one part: sources are global ids, the halo rises, labels are classes, splits hold own nodes.
void expect_sound(const PartitionedStore& parts, Part part);
/// The same of a part's train, valid and test nodes alone.
void expect_sound_splits(const PartitionedStore& parts, Part part);
/// The same of the store ids of all parts.
void expect_sound_ids(const PartitionedStore& parts);

}  // namespace kith
