#pragma once
#include "kith/datasets/store.h"

namespace kith {

/// Throws InputError that names the first fault of arrays about to be written: the node (or edge), the value
/// and the bound. O(n F + m), parallel, the same fault for any number of threads.
void check_arrays(const StoreArrays& arrays);

}  // namespace kith
