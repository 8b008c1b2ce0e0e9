#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kith/comm/communicator.h"
#include "kith/core/memory_kind.h"
#include "kith/exec/halo_measurement.h"
#include "kith/exec/train_options.h"
#include "kith/exec/training_state.h"

namespace kith {

/// What was measured of a split, by JSON name ("roc_auc", "accuracy", "loss"): the chosen metric first,
/// accuracy where it is defined, nothing for a split without labels.
std::vector<std::pair<std::string, double>> named_values(const Evaluation& evaluation, int split);

/// One line of metrics.jsonl.
struct EpochMetrics {
  std::int64_t epoch = 0;  ///< from 1
  double loss = 0;
  double seconds = 0;     ///< training only
  Evaluation evaluation;  ///< −1 where this epoch was not evaluated
  std::optional<HaloMeasurement> measured{};
};
std::string json_line(const EpochMetrics& metrics);

/// What `kith train` reports, on the terminal and in summary.json.
struct RunSummary {
  Evaluation best;
  std::int64_t best_epoch = 0;
  std::int64_t epochs = 0;
  double seconds_per_epoch = 0;                      ///< median, training only
  double seconds = 0;                                ///< of this process, loading and evaluation included
  std::optional<double> modelled_seconds_per_epoch;  ///< of the halo exchanges, on the network of --net
  int ranks = 1;
  int parts = 1;
  Regime regime = Regime::full_graph;
  std::vector<std::string> devices;  ///< by rank, what it computed on
  std::int64_t parameters = 0;
  std::vector<std::map<LedgerKey, double>> ledgers;  ///< by rank
  std::vector<std::int64_t> peak_memory_bytes;       ///< by rank
  std::vector<HaloMeasurement> measurements;         ///< of the halo's errors, by this process
  std::vector<MemoryByKind> estimated_memory;        ///< by rank, before training; empty: none was made

  /// Σ over ranks, layers and peers of a counter.
  double total(const std::string& counter) const;
  /// The mean over ranks of a phase's seconds.
  double phase_seconds(const std::string& phase) const;
};

/// Every rank's ledger and memory, on every rank. Collective.
void gather_ledgers(Communicator& comm, const Ledger& ledger, RunSummary& summary);

/// summary.json: test.accuracy, test.roc_auc (when it is the metric), valid.…, best_epoch, epochs,
/// seconds_per_epoch, ranks, parts, settings, ledger and peak_memory_bytes; `settings` is the resolved TOML's
/// values.
std::string summary_json(const RunSummary& summary, const TrainOptions& options);
/// The same as a table, with a line that says what to change first.
std::string report_table(const RunSummary& summary);
/// "waiting for rows takes 31% of the time: …".
std::string verdict(const RunSummary& summary);

}  // namespace kith
