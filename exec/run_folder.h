#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kith/exec/report.h"
#include "kith/exec/train_options.h"

namespace kith {

/// The files of one run. All of them are written by rank 0.
class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path best_weights() const { return path_ / "best.safetensors"; }
  std::filesystem::path decisions() const { return path_ / "decisions"; }
  std::filesystem::path trace() const { return path_ / "trace.json"; }
  std::filesystem::path summary() const { return path_ / "summary.json"; }
  /// Of an unfinished or finished run in the folder; empty without one.
  std::map<std::string, std::string> saved_settings() const;
  bool finished() const { return std::filesystem::exists(path_ / "DONE"); }

  /// Makes the folder ready to train in. Throws InputError when it holds a finished run, a run with other
  /// settings (naming one that differs), or something that is no run; `--resume never --overwrite` clears it
  /// instead.
  void prepare(const TrainOptions& options) const;

  /// metrics.jsonl: cut back to the epochs before `epoch`, then a line is added per epoch.
  void keep_metrics_until(std::int64_t epoch) const;
  void add_metrics(const EpochMetrics& metrics) const;

  /// summary.json, and report.html beside it.
  void write_summary(const RunSummary& summary, const TrainOptions& options) const;
  void mark_finished() const;

 private:
  void clear() const;
  void refuse_other_settings(const TrainOptions& options) const;

  std::filesystem::path path_;
};

}  // namespace kith
