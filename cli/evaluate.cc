#include "kith/exec/evaluate.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/cli/rank_work.h"
#include "kith/cli/schema.h"
#include "kith/cli/trained_run.h"
#include "kith/cli/verb.h"
#include "kith/exec/settings.h"
#include "kith/exec/train.h"

namespace kith::cli {
namespace {

void print_table(const Evaluation& evaluation, const std::string& wanted) {
  for (const Split split : kSplits) {
    const auto i = static_cast<int>(split);
    if (wanted != "all" && wanted != name_of(split)) continue;
    fmt::print("  {:<6}{}", name_of(split), evaluation.has(i) ? "" : " no labelled nodes");
    for (const auto& [name, value] : named_values(evaluation, i)) {
      if (name == "loss")
        fmt::print(" loss {:.4f}", value);
      else
        fmt::print(" {} {:.2f}% ", name, 100 * value);
    }
    fmt::print("\n");
  }
}

void print_json(const Evaluation& evaluation, const std::string& wanted) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const Split split : kSplits) {
    const auto i = static_cast<int>(split);
    if (wanted != "all" && wanted != name_of(split)) continue;
    for (const auto& [name, value] : named_values(evaluation, i))
      json[std::string(name_of(split))][name] = value;
  }
  fmt::print("{}\n", json.dump(2));
}

}  // namespace

void run_evaluate(Communicator& comm, const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::filesystem::path run = settings.text("run");
  const Schema schema = program_schema();
  const Settings trained = settings_of_run(schema, run);
  const ThreadLimit limit(prepared_threads(comm, settings));
  const std::string data = settings.has_value("data") ? settings.text("data") : trained.text("data");
  const PartitionedStore parts = open_for_ranks(comm, data, run);
  const TrainOptions options = train_options(trained);
  const ChosenDevice device(comm, settings);
  const Evaluation evaluation =
      evaluate_run(device.ranks(), parts, run, model_factory(trained),
                   {.protocol = options.protocol, .metric = options.metric, .on = device.on()});
  if (comm.rank().value() != 0) return;
  if (settings.boolean("json"))
    print_json(evaluation, settings.text("split"));
  else
    print_table(evaluation, settings.text("split"));
}

}  // namespace kith::cli
