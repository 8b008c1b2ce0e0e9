#include "kith/exec/run_folder.h"

#include <fstream>

#include <nlohmann/json.hpp>

#include "kith/core/checksum.h"
#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/core/json_depth.h"
#include "kith/exec/event_file.h"
#include "kith/exec/html_report.h"

namespace kith {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kAgain = "start again with --resume never --overwrite, or give another --output";

bool is_run(const fs::path& folder) { return fs::exists(folder / "run.json"); }

/// The parts that a plain store was cut into may stand in a run's folder before the run does.
bool holds_something_else(const fs::path& folder) {
  if (!fs::exists(folder)) return false;
  if (!fs::is_directory(folder)) return true;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("parts-k") && !name.starts_with("rank-")) return true;
  }
  return false;
}

}  // namespace

void RunFolder::prepare(const TrainOptions& options) const {
  if (!is_run(path_) && holds_something_else(path_))
    throw InputError(path_.string() + ": exists and is not a run of kith; give another --output");
  if (is_run(path_) && options.overwrite && options.resume == "never") clear();
  if (is_run(path_)) {
    if (finished()) throw InputError(path_.string() + ": is finished already; " + kAgain);
    refuse_other_settings(options);
    if (options.resume == "never") throw InputError(path_.string() + ": holds an unfinished run; " + kAgain);
  }
  fs::create_directories(path_);
  write_text_file(path_ / "settings.toml", options.settings_toml);
  const Json run{{"format_version", 1},
                 {"model", options.model_name},
                 {"settings_hash", hex_of_hash(options.settings_hash)},
                 {"settings", options.settings},
                 {"command", options.command}};
  write_text_file(path_ / "run.json", run.dump(2) + '\n');
}

std::map<std::string, std::string> RunFolder::saved_settings() const {
  if (!is_run(path_)) return {};
  const fs::path file = path_ / "run.json";
  try {
    return Json::parse(shallow_json(read_text_file(file), file.string()))
        .at("settings")
        .get<std::map<std::string, std::string>>();
  } catch (const Json::exception& problem) {
    throw CorruptError(file.string() + ": " + problem.what());
  }
}

void RunFolder::clear() const {
  for (const char* name : {"run.json", "settings.toml", "metrics.jsonl", "best.safetensors", "summary.json",
                           "report.html", "events.out.tfevents.0.kith", "trace.json", "DONE"})
    fs::remove(path_ / name);
  fs::remove_all(checkpoints());
  fs::remove_all(decisions());
}

void RunFolder::refuse_other_settings(const TrainOptions& options) const {
  const fs::path file = path_ / "run.json";
  Json run;
  try {
    run = Json::parse(shallow_json(read_text_file(file), file.string()));
    if (run.at("settings_hash") == hex_of_hash(options.settings_hash) &&
        run.at("model") == options.model_name)
      return;
  } catch (const Json::exception& problem) {
    throw CorruptError(file.string() + ": " + problem.what());
  }
  std::string difference;
  for (const auto& [name, value] : options.settings) {
    const Json old = run.value("settings", Json::object()).value(name, Json());
    if (old.is_string() && old != value && name != "output" && name != "threads")
      difference = " (" + name + " was " + old.get<std::string>() + ", is " + value + ")";
  }
  throw InputError(path_.string() + ": holds a run with other settings" + difference + "; " + kAgain);
}

void RunFolder::keep_metrics_until(std::int64_t epoch) const {
  std::string kept;
  std::ifstream old(path_ / "metrics.jsonl");
  for (std::string line; std::getline(old, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_discarded() && json.value("epoch", epoch + 1) <= epoch) kept += line + '\n';
  }
  write_text_file(path_ / "metrics.jsonl", kept);
}

void RunFolder::add_metrics(const EpochMetrics& metrics) const {
  std::ofstream file(path_ / "metrics.jsonl", std::ios::app);
  file << json_line(metrics) << std::flush;
  if (!file) throw InputError((path_ / "metrics.jsonl").string() + ": cannot be written");
}

void RunFolder::write_summary(const RunSummary& summary, const TrainOptions& options) const {
  write_text_file(this->summary(), summary_json(summary, options));
  write_html_report(path_);
  write_event_file(path_);
}

void RunFolder::mark_finished() const { write_text_file(path_ / "DONE", "finished\n"); }

}  // namespace kith
