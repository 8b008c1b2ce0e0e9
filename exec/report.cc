#include "kith/exec/report.h"

#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

namespace kith {
namespace {

using Json = nlohmann::json;
constexpr const char* kSplitNames[] = {"train", "valid", "test"};
constexpr const char* kSecondsPrefix = "seconds.";

bool counts_seconds(const std::string& counter) {
  return counter.starts_with(kSecondsPrefix) || counter.ends_with(".start") || counter.ends_with(".wait") ||
         counter.ends_with(".hidden");
}

/// Puts a value at a dotted path: "halo.bytes" becomes {"halo": {"bytes": …}}.
void put(Json& into, const std::string& dotted, Json value) {
  Json* place = &into;
  std::istringstream words(dotted);
  for (std::string word; std::getline(words, word, '.');) place = &(*place)[word];
  *place = std::move(value);
}

std::map<std::string, std::vector<double>> by_rank(const RunSummary& summary) {
  std::map<std::string, std::vector<double>> totals;
  for (std::size_t r = 0; r < summary.ledgers.size(); ++r) {
    for (const auto& [key, value] : summary.ledgers[r]) {
      auto& ranks = totals[key.name];
      ranks.resize(summary.ledgers.size(), 0);
      ranks[r] += value;
    }
  }
  return totals;
}

/// Of what is not added over ranks.
Json each_json(const std::vector<double>& ranks) {
  double sum = 0;
  for (const double value : ranks) sum += value;
  return {{"mean", sum / static_cast<double>(ranks.size())},
          {"max", *std::max_element(ranks.begin(), ranks.end())},
          {"by_rank", ranks}};
}

/// Bytes by sender-receiver pair and by layer, as far as they were counted so.
void put_details(Json& ledger, const RunSummary& summary) {
  for (std::size_t r = 0; r < summary.ledgers.size(); ++r) {
    for (const auto& [key, value] : summary.ledgers[r]) {
      if (key.peer >= 0) {
        Json& cell = ledger["by_peer"][key.name][std::to_string(r) + "-" + std::to_string(key.peer)];
        cell = value + (cell.is_number() ? cell.get<double>() : 0.0);
      }
      if (key.layer >= 0) {
        Json& cell = ledger["by_layer"][key.name][std::to_string(key.layer)];
        cell = value + (cell.is_number() ? cell.get<double>() : 0.0);
      }
    }
  }
}

Json ledger_json(const RunSummary& summary) {
  Json ledger = Json::object();
  for (const char* counter :
       {"halo.bytes", "halo.rows", "halo.messages", "features.local_rows", "features.cached_rows",
        "features.remote_rows", "features.remote_bytes", "gradients.bytes"})
    put(ledger, counter, 0.0);
  for (const auto& [name, ranks] : by_rank(summary)) {
    if (counts_seconds(name) || name.ends_with(".most_rows_alive")) {
      put(ledger, name, each_json(ranks));
    } else {
      double sum = 0;
      for (const double value : ranks) sum += value;
      put(ledger, name, sum);
    }
  }
  put_details(ledger, summary);
  return ledger;
}

/// {"total": [by rank], "graph": [by rank], …} in bytes.
Json estimate_json(const std::vector<MemoryByKind>& by_rank) {
  Json json = Json::object();
  for (const MemoryByKind& memory : by_rank) {
    json["total"].push_back(memory.total());
    for (std::size_t kind = 0; kind < kMemoryKinds; ++kind)
      json[std::string(name_of(static_cast<MemoryKind>(kind)))].push_back(memory.bytes[kind]);
  }
  return json;
}

Json json_of(const HaloMeasurement& measurement) {
  Json layers = Json::array();
  for (const HaloMeasurement::Layer& layer : measurement.layers) {
    layers.push_back({{"layer", layer.layer}, {"forward", layer.forward}, {"backward", layer.backward}});
    if (!layer.encode.empty()) layers.back()["encode"] = layer.encode;
  }
  return {{"epoch", measurement.epoch},
          {"gradient_cosine", measurement.gradient_cosine},
          {"passes", measurement.passes},
          {"layers", layers}};
}

}  // namespace

std::vector<std::pair<std::string, double>> named_values(const Evaluation& evaluation, int split) {
  std::vector<std::pair<std::string, double>> values;
  if (!evaluation.has(split)) return values;
  if (evaluation.metric != Metric::accuracy && evaluation.score[split] >= 0)
    values.emplace_back(json_name(evaluation.metric), evaluation.score[split]);
  if (evaluation.accuracy[split] >= 0) values.emplace_back("accuracy", evaluation.accuracy[split]);
  values.emplace_back("loss", evaluation.loss[split]);
  return values;
}

std::string json_line(const EpochMetrics& metrics) {
  Json line{{"epoch", metrics.epoch}, {"loss", metrics.loss}, {"seconds", metrics.seconds}};
  for (int s = 0; s < 3; ++s) {
    for (const auto& [name, value] : named_values(metrics.evaluation, s))
      line[std::string(kSplitNames[s]) + '_' + name] = value;
  }
  if (metrics.measured) {
    line["halo_error"] = largest_error(*metrics.measured);
    line["gradient_cosine"] = metrics.measured->gradient_cosine;
  }
  return line.dump() + '\n';
}

double RunSummary::total(const std::string& counter) const {
  double sum = 0;
  for (const auto& ledger : ledgers)
    for (const auto& [key, value] : ledger)
      if (key.name == counter) sum += value;
  return sum;
}

double RunSummary::phase_seconds(const std::string& phase) const {
  return ledgers.empty() ? 0 : total(phase) / static_cast<double>(ledgers.size());
}

void gather_ledgers(Communicator& comm, const Ledger& ledger, RunSummary& summary) {
  Json mine = Json::array();
  for (const auto& [key, value] : ledger.entries()) mine.push_back({key.name, key.layer, key.peer, value});
  summary.ledgers.clear();
  for (const std::string& text : all_gather(comm, mine.dump(), "gather the ledgers")) {
    std::map<LedgerKey, double> entries;
    for (const Json& entry : Json::parse(text)) entries[{entry[0], entry[1], entry[2]}] = entry[3];
    summary.ledgers.push_back(std::move(entries));
  }
  summary.peak_memory_bytes = all_gather(comm, peak_memory_bytes(), "gather peak memory");
}

std::string summary_json(const RunSummary& summary, const TrainOptions& options) {
  Json json{{"format_version", 1},
            {"model", options.model_name},
            {"parameters", summary.parameters},
            {"metric", json_name(summary.best.metric)},
            {"best_epoch", summary.best_epoch},
            {"epochs", summary.epochs},
            {"seconds_per_epoch", summary.seconds_per_epoch},
            {"seconds", summary.seconds},
            {"ranks", summary.ranks},
            {"parts", summary.parts},
            {"devices", summary.devices},
            {"settings", options.settings},
            {"ledger", ledger_json(summary)},
            {"peak_memory_bytes", summary.peak_memory_bytes}};
  if (summary.modelled_seconds_per_epoch)
    json["modelled_seconds_per_epoch"] = *summary.modelled_seconds_per_epoch;
  if (!summary.estimated_memory.empty())
    json["estimated_memory_bytes"] = estimate_json(summary.estimated_memory);
  for (const HaloMeasurement& measurement : summary.measurements)
    json["halo_error"].push_back(json_of(measurement));
  for (int s = 0; s < 3; ++s)
    for (const auto& [name, value] : named_values(summary.best, s)) json[kSplitNames[s]][name] = value;
  return json.dump(2) + '\n';
}

}  // namespace kith
