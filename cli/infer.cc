#include "kith/exec/infer.h"

#include <fmt/format.h>

#include "kith/cli/rank_work.h"
#include "kith/cli/schema.h"
#include "kith/cli/trained_run.h"
#include "kith/cli/verb.h"
#include "kith/core/error.h"
#include "kith/exec/prediction_files.h"
#include "kith/exec/settings.h"
#include "kith/exec/train.h"

namespace kith::cli {
namespace {

/// Judged before any work.
InferOptions asked_for(const Settings& settings) {
  InferOptions options;
  options.predictions = settings.text("output");
  require_prediction_path(options.predictions);
  if (settings.has_value("embeddings")) options.embeddings = settings.text("embeddings");
  if (settings.has_value("logits")) options.logits = settings.text("logits");
  for (const auto& file : {options.embeddings, options.logits})
    if (!file.empty()) require_prediction_path(file);
  for (const auto& file : {options.predictions, options.embeddings, options.logits})
    if (!file.empty() && std::filesystem::exists(file) && !settings.boolean("overwrite"))
      throw InputError(file.string() + " exists already; --overwrite replaces it");
  return options;
}

}  // namespace

void run_infer(Communicator& comm, const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::filesystem::path run = settings.text("run");
  InferOptions options = asked_for(settings);
  const Schema schema = program_schema();
  const Settings trained = settings_of_run(schema, run);
  const ThreadLimit limit(prepared_threads(comm, settings));
  const std::string data = settings.has_value("data") ? settings.text("data") : trained.text("data");
  const PartitionedStore parts = open_for_ranks(comm, data, run);
  const StoreMeta meta = trained_meta(trained, parts.meta().store);
  options.features = meta.features;
  options.classes = meta.classes;
  options.multi_label = meta.multi_label;
  options.protocol = train_options(trained).protocol;
  const ChosenDevice device(comm, settings);
  options.on = device.on();
  const Inferred inferred = infer(device.ranks(), parts, run, model_factory(trained), options);
  if (comm.rank().value() != 0) return;
  const std::int64_t nodes = parts.meta().store.nodes;
  fmt::print("wrote {}: {} of {} nodes\n", options.predictions.string(),
             options.multi_label ? "probabilities" : "classes", nodes);
  if (!options.embeddings.empty())
    fmt::print("wrote {}: embeddings [{}, {}]\n", options.embeddings.string(), nodes,
               inferred.embedding_width);
  if (!options.logits.empty())
    fmt::print("wrote {}: logits [{}, {}]\n", options.logits.string(), nodes, options.classes);
}

}  // namespace kith::cli
