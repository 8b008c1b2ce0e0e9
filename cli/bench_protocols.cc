// Halo protocols side by side on the same parts: every part is a rank, here a thread of this process, so that
// bytes are those of as many hosts as there are parts. Seconds are a network model's, not this machine's.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/cli/bench.h"
#include "kith/cli/protocol_table.h"
#include "kith/cli/rank_work.h"
#include "kith/cli/schema.h"
#include "kith/comm/world.h"
#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/core/log.h"
#include "kith/exec/halo/protocol.h"
#include "kith/exec/net_model.h"
#include "kith/exec/protocol_choice.h"
#include "kith/exec/protocol_trial.h"
#include "kith/exec/settings.h"

namespace kith::cli {
namespace {

/// Beside the protocols: what they are measured against, counted only.
constexpr const char* kBaseline = "baseline";
constexpr const char* kBroadcast = "broadcast";
/// What `kith train --protocol auto` would take on these parts.
constexpr const char* kAuto = "auto";
bool is_choice(const std::string& name) {
  return name == kAuto || name.starts_with(std::string(kAuto) + ":error-budget=");
}

/// The settings of `kith train` that this verb takes, too.
constexpr const char* kTrainSettings[] = {
    "model",        "layers",      "hidden",      "heads",         "output-heads",
    "norm",         "residual",    "jk",          "dropout",       "lr",
    "weight-decay", "patience",    "eval-every",  "input-dropout", "attention-dropout",
    "seed",         "error-every", "least-cosine"};

/// Without training, those that can be counted; a choice where there is a network to choose for.
std::string every_protocol(bool plan_only, bool net) {
  std::string names = std::string(kBaseline) + ' ' + kBroadcast + (net ? std::string(" ") + kAuto : "");
  for (const HaloPreset& preset : halo_presets())
    if (!plan_only || !data_decide(protocol_named(preset.name))) names += std::string(" ") + preset.name;
  return names;
}

/// Names between spaces, semicolons or commas; a comma before KEY=VALUE belongs to the name in front.
std::vector<std::string> names_in(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == ';' || c == ','; }, ' ');
  std::istringstream stream(text);
  std::vector<std::string> found;
  for (std::string word; stream >> word;) {
    const bool continues = word.find('=') != word.npos && word.find(':') == word.npos && !found.empty();
    continues ? found.back() += ',' + word : found.emplace_back(std::move(word));
  }
  if (found.empty()) throw InputError("--protocols names no protocol");
  return found;
}

bool is_reference(const std::string& name) { return name == kBaseline || name == kBroadcast; }

/// Settings of a training by this protocol, as `kith train` would have them.
Settings training_settings(const Schema& schema, const Settings& asked) {
  Settings settings(schema, "train");
  if (asked.has_value("recipe")) settings.read_toml(asked.text("recipe"));
  for (const char* name : kTrainSettings)
    if (asked.is_set(name)) settings.set(name, asked.text(name), std::string("--") + name);
  settings.set("regime", "full-graph", "kith bench protocols");
  if (asked.is_set("epochs") || !asked.has_value("recipe"))
    settings.set("epochs", asked.text("epochs"), "--epochs");
  return settings;
}

class Comparison {
 public:
  Comparison(const Settings& asked, const PartitionedStore& parts)
      : asked_(asked),
        parts_(parts),
        schema_(program_schema()),
        settings_(training_settings(schema_, asked)) {
    if (asked.has_value("net")) net_ = net_model(asked.text("net"));
  }

  ProtocolRow row(const std::string& protocol) {
    ProtocolRow row{.protocol = protocol};
    const ProtocolTraffic traffic = measured(protocol, row);
    row.parts = traffic.parts;
    row.halo_bytes_per_epoch = traffic.halo_bytes_per_epoch();
    row.header_bytes_per_epoch = traffic.per_epoch("header_bytes");
    row.halo_rows_per_epoch = traffic.per_epoch("rows");
    row.skipped_rows_per_epoch = traffic.per_epoch("skipped_rows");
    row.messages_per_epoch = traffic.per_epoch("messages");
    row.one_time_bytes = traffic.one_time_bytes;
    if (net_ && traffic.epochs > 0)
      row.modelled_seconds = modelled_seconds(*net_, traffic.ledgers) / static_cast<double>(traffic.epochs);
    return row;
  }

 private:
  TrainOptions options(const std::string& protocol, std::int64_t seed) const {
    Settings settings = settings_;
    if (!is_reference(protocol)) settings.set("protocol", protocol, "--protocols");
    if (is_choice(protocol)) settle(settings, protocol);
    settings.set("seed", std::to_string(settings_.integer("seed") + seed), "--seeds");
    return train_options(settings);
  }

  /// The free axes of auto become those of the choice. Without training rows without their zeros have no
  /// length, so there it chooses a plan.
  void settle(Settings& settings, const std::string& protocol) const {
    if (!net_) throw InputError("--protocols auto is a choice for a network: say --net alpha_us=20,gbps=10");
    if (asked_.boolean("plan-only") && protocol != kAuto)
      throw InputError(protocol + ": what it sends is settled by what trainings lose: not with --plan-only");
    if (asked_.boolean("plan-only")) settings.set("encode", "fp32", "--plan-only");
    const TrainOptions options = train_options(settings);
    if (!chosen_.contains(protocol)) {
      std::vector<ProtocolCost> costs;
      run_thread_ranks(parts_.k(), [&](Communicator& comm) {
        auto own = predicted_costs(comm, parts_, options, model_factory(settings_), *net_);
        if (comm.rank() == Rank{0}) costs = std::move(own);
      });
      log::info(cost_table(costs, *net_));
      chosen_[protocol] = costs.front().protocol;
    }
    for (const HaloAxis& axis : kHaloAxes)
      if (std::find(options.auto_axes.begin(), options.auto_axes.end(), axis.name) != options.auto_axes.end())
        settings.set(axis.name, chosen_.at(protocol).*axis.value, "--protocols auto");
  }

  ProtocolTraffic measured(const std::string& protocol, ProtocolRow& row) const {
    const ModelFactory make = model_factory(settings_);
    if (is_reference(protocol))
      return reference_traffic(parts_, options(protocol, 0), make,
                               protocol == kBaseline ? Reference::halo_rows : Reference::broadcast);
    // Routes by hosts are those of the network that is modelled.
    const int per_host = net_ ? net_->ranks_per_host : 0;
    if (asked_.boolean("plan-only")) return counted_traffic(parts_, options(protocol, 0), make, per_host);
    ProtocolTraffic first;
    for (std::int64_t seed = 0; seed < asked_.integer("seeds"); ++seed) {
      ProtocolTrial trial = trained_trial(parts_, options(protocol, seed), make, per_host);
      if (seed == 0) first = std::move(trial.traffic);
      row.test_scores.push_back(trial.best.score[static_cast<int>(Split::test)]);
      log::info(fmt::format("{}, seed {}: test {:.2f}%, best epoch {}", protocol, seed,
                            100 * row.test_scores.back(), trial.best_epoch));
    }
    return first;
  }

  const Settings& asked_;
  const PartitionedStore& parts_;
  Schema schema_;
  Settings settings_;
  std::optional<NetModel> net_;
  mutable std::map<std::string, HaloProtocol> chosen_;
};

void write_if_asked(const Settings& settings, const char* name, const std::string& text) {
  if (settings.has_value(name)) write_text_file(settings.text(name), text);
}

}  // namespace

void add_protocols_bench_settings(Schema& schema) {
  schema.add(bench_setting(
      "protocols", Setting::Type::text, "all",
      "protocols: names as --protocol takes them, with spaces or semicolons between; baseline and "
      "broadcast are what they are measured against; auto and auto:error-budget=E: the choice for --net; "
      "all: every one, with "
      "--plan-only those that the data do "
      "not decide"));
  Setting seeds = bench_setting("seeds", Setting::Type::integer, "1", "protocols: trainings of each");
  seeds.minimum = 1;
  seeds.maximum = 1000;
  schema.add(seeds);
  schema.add(bench_setting("plan-only", Setting::Type::boolean, "false",
                           "protocols: count what would cross, without training"));
  schema.add(bench_setting("recipe", Setting::Type::path, "",
                           "protocols: a TOML file of settings of kith train; flags win"));
  schema.add(bench_setting("csv", Setting::Type::path, "", "protocols: write the table to this file"));
  schema.add(
      bench_setting("html", Setting::Type::path, "", "protocols: write the table with bars as a page"));
}

Measured measure_protocols(const Settings& settings) {
  const PartitionedStore parts = open_data(settings.text("store"));
  if (parts.k() < 2)
    throw InputError(settings.text("store") +
                     ": one part has no halo; `kith partition` cuts a store into more");
  const bool all = settings.text("protocols") == "all";
  const std::vector<std::string> protocols =
      names_in(all ? every_protocol(settings.boolean("plan-only"), settings.has_value("net"))
                   : settings.text("protocols"));
  for (const std::string& protocol : protocols)
    if (!is_reference(protocol) && !is_choice(protocol))
      protocol_named(protocol);  // refused before any is trained
  Comparison comparison(settings, parts);
  std::vector<ProtocolRow> rows;
  for (const std::string& protocol : protocols) {
    try {
      rows.push_back(comparison.row(protocol));
    } catch (const InputError& error) {
      if (!all) throw;
      log::info(fmt::format("{} is left out: {}", protocol, error.what()));
    }
  }
  write_if_asked(settings, "csv", csv_of(rows));
  write_if_asked(settings, "html", html_of(rows, parts.meta().store.name));
  return {table_of(rows), json_of(rows)};
}

}  // namespace kith::cli
