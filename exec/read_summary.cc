// summary.json, back into what it was made of, as far as a report needs it.
#include "kith/exec/read_summary.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "kith/core/error.h"
#include "kith/core/json_depth.h"

namespace kith {
namespace {

using Json = nlohmann::json;
constexpr const char* kSplitNames[] = {"train", "valid", "test"};

/// A whole number; text, and what a file's damage made of one, is none.
std::int64_t whole(const Json& json) {
  if (!json.is_number_integer()) throw CorruptError("summary.json: " + json.dump() + " is no whole number");
  return json.get<std::int64_t>();
}

/// Counters back under their dotted names: sums to rank 0, seconds to their ranks.
void read_counters(const std::string& dotted, const Json& json, RunSummary& summary) {
  if (json.is_number()) {
    summary.ledgers.front()[{dotted, -1, -1}] = json.get<double>();
  } else if (json.contains("by_rank")) {
    const Json& ranks = json.at("by_rank");
    for (std::size_t r = 0; r < summary.ledgers.size(); ++r)
      summary.ledgers[r][{dotted, -1, -1}] = ranks.at(r).get<double>();
  } else {
    for (const auto& [name, value] : json.items())
      read_counters(dotted.empty() ? name : dotted + '.' + name, value, summary);
  }
}

void read_split(const Json& json, int split, Evaluation& best) {
  best.score[split] = json.value(json_name(best.metric), -1.0);
  best.accuracy[split] = json.value("accuracy", -1.0);
  best.loss[split] = json.at("loss").get<double>();
}

void read_estimate(const Json& json, RunSummary& summary) {
  if (!json.contains("total")) return;
  summary.estimated_memory.resize(json.at("total").size());
  for (std::size_t kind = 0; kind < kMemoryKinds; ++kind) {
    const Json& bytes = json.at(std::string(name_of(static_cast<MemoryKind>(kind))));
    for (std::size_t r = 0; r < summary.estimated_memory.size(); ++r)
      summary.estimated_memory[r].bytes[kind] = whole(bytes.at(r));
  }
}

/// JSON has no word for what is no number.
double number_of(const Json& json) { return json.is_number() ? json.get<double>() : std::nan(""); }

void read_measurements(const Json& json, RunSummary& summary) {
  for (const Json& each : json) {
    HaloMeasurement measurement{.epoch = whole(each.at("epoch")),
                                .gradient_cosine = number_of(each.at("gradient_cosine")),
                                .passes = static_cast<int>(whole(each.at("passes")))};
    for (const Json& layer : each.at("layers"))
      measurement.layers.push_back({.layer = static_cast<int>(whole(layer.at("layer"))),
                                    .forward = number_of(layer.at("forward")),
                                    .backward = number_of(layer.at("backward")),
                                    .encode = layer.value("encode", "")});
    summary.measurements.push_back(std::move(measurement));
  }
}

RunSummary read(const Json& json) {
  RunSummary summary;
  summary.best_epoch = whole(json.at("best_epoch"));
  summary.epochs = whole(json.at("epochs"));
  summary.seconds_per_epoch = json.at("seconds_per_epoch").get<double>();
  summary.seconds = json.at("seconds").get<double>();
  summary.ranks = static_cast<int>(whole(json.at("ranks")));
  summary.parts = static_cast<int>(whole(json.at("parts")));
  summary.parameters = whole(json.at("parameters"));
  for (const Json& bytes : json.at("peak_memory_bytes")) summary.peak_memory_bytes.push_back(whole(bytes));
  read_measurements(json.value("halo_error", Json::array()), summary);
  read_estimate(json.value("estimated_memory_bytes", Json::object()), summary);
  summary.best.metric = metric_of_json(json.at("metric").get<std::string>());
  for (int s = 0; s < 3; ++s)
    if (json.contains(kSplitNames[s])) read_split(json.at(kSplitNames[s]), s, summary.best);
  summary.ledgers.resize(summary.peak_memory_bytes.size());
  if (summary.ledgers.empty()) throw CorruptError("summary.json: no rank's memory");
  for (const auto& [name, value] : json.at("ledger").items())
    if (name != "by_layer" && name != "by_peer") read_counters(name, value, summary);
  return summary;
}

}  // namespace

RunSummary summary_of_json(const std::string& json) {
  try {
    return read(Json::parse(shallow_json(json, "summary.json")));
  } catch (const Json::exception& error) {
    throw CorruptError(std::string("summary.json: not a run's summary: ") + error.what());
  }
}

}  // namespace kith
