#pragma once
#include <cstdint>
#include <vector>

#include "kith/core/memory_kind.h"
#include "kith/exec/model.h"
#include "kith/exec/run_shape.h"
#include "kith/exec/train_options.h"

namespace kith {

/// The resident set of a rank at its peak, by purpose: the whole run in a rehearsal (core/rehearsal.h): load,
/// forward and backward passes of the model itself over graphs and batches of these shapes, and the
/// evaluation between them. Nothing is computed, so it takes moments and next to no memory; what is planned
/// is what the tape does, since it is the tape that does it. Throws MemoryError when even the addresses run
/// out.
MemoryByKind estimated_memory(const RunShape& shape, const TrainOptions& options, const ModelFactory& make);

/// Of every rank of a run over these parts; `program` is what this process takes now. A plain store on
/// several ranks is taken as cut at random.
std::vector<MemoryByKind> estimated_memory(const PartitionedStore& parts, int ranks,
                                           const TrainOptions& options, const ModelFactory& make);

/// What of it cannot be given back: all but the store's pages.
std::int64_t needed_bytes(const MemoryByKind& memory);

}  // namespace kith
