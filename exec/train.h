#pragma once
#include <filesystem>

#include "kith/comm/communicator.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/exec/model.h"
#include "kith/exec/report.h"
#include "kith/exec/train_options.h"

namespace kith {

/// Trains a model on the ranks of `comm` and writes RUN: settings.toml, metrics.jsonl (a line per epoch),
/// checkpoints/, best.safetensors, summary.json and, last, DONE. Continues an unfinished RUN as
/// `options.resume` says. Collective. Throws InputError (exit 2) for an existing RUN that is finished or has
/// other settings.
RunSummary train(Communicator& comm, const PartitionedStore& parts, const std::filesystem::path& run,
                 const TrainOptions& options, const ModelFactory& make);

/// Opens DATA for `comm.size()` ranks: a partitioned store, or a store. A plain store on several ranks is
/// partitioned once, by METIS, into RUN/parts-kP, and the console says so. Collective.
PartitionedStore open_for_ranks(Communicator& comm, const std::filesystem::path& data,
                                const std::filesystem::path& run);

}  // namespace kith
