#pragma once
#include <filesystem>

#include "kith/comm/communicator.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/exec/halo/axes.h"
#include "kith/exec/model.h"

namespace kith {

struct InferOptions {
  /// `.npy` or `.csv`, by its ending.
  std::filesystem::path predictions;
  /// `.npy` or `.csv` of the last hidden representation [nodes, width], and of the logits [nodes, classes];
  /// empty: none.
  std::filesystem::path embeddings, logits;
  /// What the weights were trained for; the classes may be more than the data shows.
  std::int64_t features = 0, classes = 0;
  bool multi_label = false;
  HaloProtocol protocol;
  Backend on = Cpu{};
};

struct Inferred {
  std::int64_t embedding_width = 0;  ///< 0: not asked for
};

/// What a run's best weights say of every node of `parts`: one exact pass over the full graph, on any number
/// of ranks, without dropout; rows in the order of the store, which is that of the import, on every number of
/// ranks and parts. A rank holds its nodes' features with their halo's, and two layers' outputs of them.
///   .npy   the class of each node, int64 [nodes]; for multi-label targets the probability of each class,
///          fp32 [nodes, classes]. Where the store has ids of the user, they come beside it in the same
///          order: NAME.ids.npy (numbers) or NAME.ids.txt (names, one a line).
///   .csv   node,class or node,0,1,…: the user's ids in the first column
/// Files are whole or absent. Collective. Throws InputError when the data does not fit the weights or a file
/// cannot be written.
Inferred infer(Communicator& comm, const PartitionedStore& parts, const std::filesystem::path& run,
               const ModelFactory& make, const InferOptions& options);

}  // namespace kith
