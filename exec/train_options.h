#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kith/exec/halo/axes.h"
#include "kith/exec/lr_schedule.h"
#include "kith/exec/metric.h"
#include "kith/exec/model.h"
#include "kith/exec/optimiser.h"

namespace kith {

enum class Regime { full_graph, mini_batch };

/// Everything `train` can be told; the settings of `kith train` by the same names.
struct TrainOptions {
  Backend on = Cpu{};
  Regime regime = Regime::full_graph;
  std::int64_t epochs = 100;
  std::int64_t eval_every = 1;         ///< epochs between evaluations; the last epoch is always evaluated
  std::int64_t patience = 0;           ///< stop after this many epochs without a better validation; 0: never
  Metric metric = Metric::automatic;   ///< what the best model and early stopping go by
  std::int64_t checkpoint_every = 10;  ///< epochs; 0: only at the end
  std::uint64_t seed = 0;
  OptimiserOptions optimiser;
  LrSchedule lr_schedule;

  HaloProtocol protocol;  ///< full graph, and every evaluation
  /// --protocol auto: the axes that are to be chosen by the parts; empty: the protocol stands.
  std::vector<std::string> auto_axes;
  std::string net;  ///< see net_model.h; empty: none
  /// A run, or its folder of decisions, that is followed in what its ranks decided by their data; empty:
  /// none.
  std::filesystem::path replay_decisions;
  /// The most that the halo may lose of its length, of each layer and direction, as it is measured every
  /// `error_every` epochs, and the least cosine of the gradient to the exact one; below 0: no budget.
  double error_budget = -1;
  std::int64_t error_every = 20;
  double least_cosine = 0.9;
  std::int64_t measure_error = 0;  ///< epochs between measurements of any protocol; 0: none

  std::vector<std::int64_t> fanouts{15, 10, 5};  ///< mini-batch: the seeds' own hop first
  std::int64_t batch_size = 1024;                ///< global
  bool replace = false;
  std::string cache = "none";
  std::string device_cache = "auto";  ///< see hot_nodes
  int prefetch = 2;
  std::string topology = "replicated";
  std::string sample_on = "auto";            ///< "host", "device", or auto
  std::string device_memory_limit = "auto";  ///< "8GiB", or auto: what is free
  std::vector<bool> remade{};                ///< see TapeOptions

  /// "auto": continue an unfinished run with these settings; "never": start again; else a checkpoint's path.
  std::string resume = "auto";
  bool overwrite = false;
  std::string end_time = "none";  ///< when the job will be ended from outside; see `end_time`

  std::int64_t trace_events = 0;  ///< of a rank, at most, in RUN/trace.json; 0: no trace

  std::string model_name = "custom";  ///< part of the checkpoint's key
  std::uint64_t settings_hash = 0;
  std::string settings_toml;                    ///< saved beside the run
  std::map<std::string, std::string> settings;  ///< the same, for the summary
  std::string command;
};

}  // namespace kith
