#include "kith/cli/bench.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/cli/tables.h"
#include "kith/cli/verb.h"
#include "kith/core/error.h"
#include "kith/core/file.h"

namespace kith::cli {
namespace {

constexpr Measurement kMeasurements[] = {{"spmm", true, measure_spmm, add_spmm_bench_settings},
                                         {"sample", true, measure_sample, nullptr},
                                         {"machine", false, measure_machine, nullptr},
                                         {"protocols", true, measure_protocols, add_protocols_bench_settings},
                                         {"net", false, measure_net, nullptr}};

const Measurement& asked_for(const Settings& settings) {
  const std::string name = settings.text("what");
  const Measurement& found = *std::find_if(std::begin(kMeasurements), std::end(kMeasurements),
                                           [&](const Measurement& m) { return name == m.name; });
  if (found.of_store && !settings.has_value("store"))
    throw InputError(fmt::format("kith bench {} needs {}; see kith bench --help", name,
                                 name == "protocols" ? "PARTS" : "STORE"));
  return found;
}

}  // namespace

Setting bench_setting(const char* name, Setting::Type type, const char* fallback, const char* help) {
  Setting setting = setting_of("cli", "bench", name, type, fallback, help);
  setting.shapes_result = false;
  return setting;
}

std::string Figures::text() const { return facts_text(json()); }

std::string Figures::json() const {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [name, value] : values_)
    std::visit([&, &key = name](const auto& held) { object[key] = held; }, value);
  return object.dump(2) + "\n";
}

void add_bench_settings(Schema& schema) {
  Setting what = bench_setting(
      "what", Setting::Type::choice, "",
      "spmm: aggregation over the rows of STORE; sample: mini-batches of its train nodes; "
      "machine: the ceilings of this machine; protocols: halo protocols on PARTS, a rank for every part; "
      "net: latency and bandwidth between ranks, under mpiexec");
  for (const Measurement& measurement : kMeasurements) what.choices.emplace_back(measurement.name);
  schema.add(what);
  schema.add(
      bench_setting("store", Setting::Type::path, "", "the store, or partitioned store, that is measured"));
  schema.add(bench_setting("json", Setting::Type::path, "",
                           "write the figures as JSON to this file; - prints them"));
  Setting repetitions =
      bench_setting("repetitions", Setting::Type::integer, "5", "timed calls; the median counts");
  repetitions.minimum = 1;
  repetitions.maximum = 100000;
  schema.add(repetitions);
  for (const Measurement& measurement : kMeasurements)
    if (measurement.add_settings != nullptr) measurement.add_settings(schema);
}

std::vector<double> sorted_seconds(std::int64_t repetitions, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  work();
  std::vector<double> seconds;
  for (std::int64_t i = 0; i < repetitions; ++i) {
    const auto begin = Clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

void run_bench(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const Measured measured = asked_for(settings).run(settings);
  const std::string file = settings.has_value("json") ? settings.text("json") : "";
  fmt::print("{}", file == "-" ? measured.json : measured.text);
  if (measured.json.empty()) return;  // another rank has the figures
  if (!file.empty() && file != "-") write_text_file(file, measured.json);
}

}  // namespace kith::cli
