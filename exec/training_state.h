#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/exec/metric.h"
#include "kith/exec/optimiser.h"
#include "kith/exec/parameter.h"

namespace kith {

/// How one evaluation went, by split (train, valid, test); −1 where a split has no labelled node.
struct Evaluation {
  Metric metric = Metric::accuracy;
  double score[3] = {-1, -1, -1};     ///< by the metric, in [0, 1]: what the best model is chosen by
  double accuracy[3] = {-1, -1, -1};  ///< in [0, 1]; −1 for multi-label
  double loss[3] = {-1, -1, -1};

  bool has(int split) const { return loss[split] != -1; }
};

/// Everything that training changes: what a checkpoint saves and a resumed run continues from.
struct TrainingState {
  TrainingState(const Parameters& all, const OptimiserOptions& options) : optimiser(all, options) {}

  Optimiser optimiser;
  std::int64_t epoch = 0;  ///< epochs finished
  std::int64_t step = 0;   ///< optimiser steps finished: the Philox step of the next one
  /// By rank, the loss summed over the seeds of an epoch under way; empty between epochs.
  std::vector<double> partial_loss;
  std::int64_t best_epoch = 0;  ///< from 1; 0: none yet
  Evaluation best;
  Array<float> best_weights;  ///< of all parameters, in their order
};

/// All parameters' values one behind the other, and back.
Array<float> weights_of(const Parameters& parameters);
void set_weights(Parameters& parameters, std::span<const float> weights);

/// What a checkpoint must agree on to be resumed from.
struct CheckpointKey {
  std::uint64_t settings_hash = 0;
  std::string model;
};

/// The file of a checkpoint of this state.
std::string checkpoint_name(const TrainingState& state);
/// RUN/checkpoints/epoch-000123.safetensors, or epoch-000123-step-000004567.safetensors inside the epoch
/// behind it: written whole, the last two are kept. Holds no part or local ids.
void write_checkpoint(const std::filesystem::path& folder, const Parameters& parameters,
                      const TrainingState& state, const CheckpointKey& key);
/// The checkpoints there, newest first.
std::vector<std::filesystem::path> checkpoints_in(const std::filesystem::path& folder);
/// Throws CorruptError when it is damaged, InputError when it belongs to other settings.
void read_checkpoint(const std::filesystem::path& file, Parameters& parameters, TrainingState& state,
                     const CheckpointKey& key);
/// The newest undamaged checkpoint, with a warning for every damaged one; nothing when there is none.
std::optional<std::filesystem::path> read_newest_checkpoint(const std::filesystem::path& folder,
                                                            Parameters& parameters, TrainingState& state,
                                                            const CheckpointKey& key);

/// The best weights alone, by parameter name: opens in PyTorch as a state_dict.
void write_weights(const std::filesystem::path& file, const Parameters& parameters,
                   std::span<const float> weights);
void read_weights(const std::filesystem::path& file, Parameters& parameters);

}  // namespace kith
