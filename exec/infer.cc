#include "kith/exec/infer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "kith/core/parallel.h"
#include "kith/datasets/npy_file.h"
#include "kith/exec/evaluation.h"
#include "kith/exec/on_root.h"
#include "kith/exec/prediction_files.h"
#include "kith/exec/run_folder.h"
#include "kith/exec/store_order.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 12;

/// The outputs, on rank 0 alone; made before the work, so that a wrong path costs nothing.
struct Outputs {
  std::unique_ptr<PredictionFile> predictions;
  std::unique_ptr<PredictionFile> logits;
};

void require_fit(const PartitionedStore& parts, const InferOptions& options) {
  const std::int64_t features = parts.meta().store.features;
  if (features == options.features) return;
  throw InputError(parts.folder().string() + ": has " + std::to_string(features) +
                   " features a node, the run was trained on " + std::to_string(options.features));
}

/// A row of numbers per node: `.csv` by the user's ids, `.npy` in the order of the store.
std::unique_ptr<PredictionFile> row_file(const std::filesystem::path& path, std::int64_t nodes,
                                         std::int64_t width, const UserIdView& ids) {
  static const UserIdView kNoIds;  // they stand beside the predictions already
  return prediction_file(path, {.nodes = nodes, .classes = width}, path.extension() == ".csv" ? ids : kNoIds);
}

Outputs open_outputs(Communicator& comm, const InferOptions& options, std::int64_t nodes,
                     const UserIdView& ids) {
  Outputs outputs;
  run_on_root(comm, "open the predictions", [&] {
    outputs.predictions = prediction_file(
        options.predictions, {.nodes = nodes, .classes = options.multi_label ? options.classes : 0}, ids);
    if (!options.logits.empty()) outputs.logits = row_file(options.logits, nodes, options.classes, ids);
    if (!options.embeddings.empty()) AtomicFile{options.embeddings};  // its width is not known yet
  });
  return outputs;
}

FullGraphOutputs outputs_of(Communicator& comm, const Ownership& ownership, const OwnedData& owned,
                            const std::filesystem::path& run, const ModelFactory& make,
                            const InferOptions& options) {
  Ledger ledger;
  Parameters parameters(0);
  const auto model = make(parameters, options.features, options.classes);
  read_weights(RunFolder(run).best_weights(), parameters);
  if (memory_of(options.on) != nullptr) {
    const UseMemory there(memory_of(options.on));
    parameters.move_here();
  }
  LocalGraph graph({comm, ledger, ownership, owned, options.on}, model->self_edges(),
                   evaluation_protocol(options.protocol, options.on));
  const Matrix features = graph.fetch_features(options.on);
  return full_graph_outputs(options.on, *model, graph, features,
                            options.embeddings.empty() ? Keep::logits : Keep::embedding_too);
}

/// f(row) for all rows, in parallel.
template <class F>
void for_each_row(std::int64_t rows, F&& f) {
  parallel_for(0, rows, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
}

/// The first of the largest, as the accuracy counts it.
Array<std::int64_t> classes_of(ConstTensor logits) {
  Array<std::int64_t> classes(static_cast<std::size_t>(logits.rows));
  for_each_row(logits.rows, [&](std::int64_t i) {
    const float* row = logits.row(i);
    classes[i] = std::max_element(row, row + logits.cols) - row;
  });
  return classes;
}

Array<float> probabilities_of(ConstTensor logits) {
  Array<float> all(static_cast<std::size_t>(logits.size()));
  for_each_row(logits.rows, [&](std::int64_t i) {
    for (std::int64_t c = 0; c < logits.cols; ++c)
      all[i * logits.cols + c] = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(logits(i, c)))));
  });
  return all;
}

/// Rows of this rank's nodes become rows of a file in the order of the store. Collective.
class StoreOrder {
 public:
  StoreOrder(Communicator& comm, const OwnedData& owned, std::int64_t nodes)
      : comm_(comm), owned_(owned), nodes_(nodes) {}
  template <class Range>
  void gather(const Range& rows, const TakeRows& take) const {
    gather_in_store_order(comm_, owned_.store_ids.span(), std::as_bytes(rows.span()), nodes_, take);
  }
  void gather_into(PredictionFile* file, const Matrix& rows) const {
    gather(rows, [&](std::int64_t first, std::span<const std::byte> bytes) { file->add(first, bytes); });
    run_on_root(comm_, "finish a file", [&] { file->finish(); });
  }

 private:
  Communicator& comm_;
  const OwnedData& owned_;
  std::int64_t nodes_;
};

void write_predictions(Communicator& comm, const StoreOrder& order, PredictionFile* file, ConstTensor logits,
                       const InferOptions& options) {
  const TakeRows add = [&](std::int64_t first, std::span<const std::byte> rows) { file->add(first, rows); };
  if (options.multi_label)
    order.gather(probabilities_of(logits), add);
  else
    order.gather(classes_of(logits), add);
  run_on_root(comm, "finish the predictions", [&] { file->finish(); });
}

void write_embedding(Communicator& comm, const StoreOrder& order, std::int64_t nodes, const Matrix& embedding,
                     const std::filesystem::path& path, const UserIdView& ids) {
  std::unique_ptr<PredictionFile> file;
  run_on_root(comm, "open the embeddings", [&] { file = row_file(path, nodes, embedding.cols(), ids); });
  order.gather_into(file.get(), embedding);
}

}  // namespace

Inferred infer(Communicator& comm, const PartitionedStore& parts, const std::filesystem::path& run,
               const ModelFactory& make, const InferOptions& options) {
  require_fit(parts, options);
  const Ownership ownership(parts, comm.size());
  const OwnedData owned(parts, ownership, comm.rank());
  const UserIdView ids = parts.user_ids();
  const std::int64_t nodes = ownership.nodes();
  Outputs files = open_outputs(comm, options, nodes, ids);
  const FullGraphOutputs outputs = outputs_of(comm, ownership, owned, run, make, options);
  const StoreOrder order(comm, owned, nodes);
  if (!options.logits.empty()) order.gather_into(files.logits.get(), outputs.logits);
  if (!options.embeddings.empty())
    write_embedding(comm, order, nodes, outputs.embedding, options.embeddings, ids);
  write_predictions(comm, order, files.predictions.get(), outputs.logits, options);
  return {.embedding_width = outputs.embedding.cols()};
}

}  // namespace kith
