// A checkpoint is a safetensors file: the parameters by name, the optimiser's moments flat, the best weights
// flat, and the cursor in the metadata. Random numbers need no state: they are functions of the step.
#include <algorithm>
#include <deque>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/core/checksum.h"
#include "kith/core/log.h"
#include "kith/exec/safetensors.h"
#include "kith/exec/training_state.h"

namespace kith {
namespace {

using Json = nlohmann::json;
constexpr std::size_t kKept = 2;
constexpr const char* kMomentPrefix = "optimizer.";
constexpr const char* kBest = "best.weights";

/// What a file is written from: values that lie on a device are copied to the host first.
class Tensors {
 public:
  void add(const std::string& name, std::vector<std::int64_t> shape, std::span<const float> values) {
    tensors_.push_back({name, std::move(shape), values_.emplace_back(host_copy_of(values)).span()});
  }
  const std::vector<NamedTensor>& all() const { return tensors_; }

 private:
  std::deque<Array<float>> values_;
  std::vector<NamedTensor> tensors_;
};

std::string cursor_text(const TrainingState& state, const CheckpointKey& key) {
  return Json{{"format_version", 1},
              {"epoch", state.epoch},
              {"step", state.step},
              {"partial_loss", state.partial_loss},
              {"optimizer_steps", state.optimiser.steps()},
              {"best_epoch", state.best_epoch},
              {"metric", json_name(state.best.metric)},
              {"best_score", state.best.score},
              {"best_accuracy", state.best.accuracy},
              {"best_loss", state.best.loss},
              {"settings_hash", hex_of_hash(key.settings_hash)},
              {"model", key.model}}
      .dump();
}

void require_same_settings(const std::filesystem::path& file, const Json& cursor, const CheckpointKey& key) {
  if (cursor.at("settings_hash") != hex_of_hash(key.settings_hash) || cursor.at("model") != key.model)
    throw InputError(file.string() +
                     ": written with other settings; resume with the run's own settings, or start "
                     "again with --resume never --overwrite");
}

/// Where training stood.
struct Cursor {
  std::int64_t epoch, step, optimiser_steps, best_epoch;
  Evaluation best;
  std::vector<double> partial_loss = {};
};

Cursor read_cursor(const std::filesystem::path& file, const Safetensors& saved, const CheckpointKey& key) {
  if (!saved.metadata().contains("kith"))
    throw CorruptError(file.string() + ": holds weights only, no training state");
  if (!saved.metadata().contains("checksum")) throw CorruptError(file.string() + ": has no checksum");
  try {
    const Json json = Json::parse(saved.metadata().at("kith"));
    require_same_settings(file, json, key);
    Cursor cursor{json.at("epoch"), json.at("step"), json.at("optimizer_steps"), json.at("best_epoch"), {}};
    cursor.best.metric = metric_of_json(json.at("metric").get<std::string>());
    for (std::size_t split = 0; split < 3; ++split) {
      cursor.best.score[split] = json.at("best_score").at(split);
      cursor.best.accuracy[split] = json.at("best_accuracy").at(split);
      cursor.best.loss[split] = json.at("best_loss").at(split);
    }
    cursor.partial_loss = json.at("partial_loss").get<std::vector<double>>();
    return cursor;
  } catch (const Json::exception& problem) {
    throw CorruptError(file.string() + ": malformed training state: " + problem.what());
  }
}

}  // namespace

std::string checkpoint_name(const TrainingState& state) {
  const std::string epoch = fmt::format("epoch-{:06}", state.epoch);
  return (state.partial_loss.empty() ? epoch : fmt::format("{}-step-{:09}", epoch, state.step)) +
         ".safetensors";
}

Array<float> weights_of(const Parameters& parameters) {
  const UseMemory host(nullptr);
  Array<float> flat(static_cast<std::size_t>(parameters.elements()));
  std::span<float> target = flat.span();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto own = parameters[i].value.span();
    copy_values(own, target.first(own.size()));
    target = target.subspan(own.size());
  }
  return flat;
}

void set_weights(Parameters& parameters, std::span<const float> weights) {
  require(static_cast<std::int64_t>(weights.size()) == parameters.elements(), "weights hold all parameters",
          {{"weights", weights.size()}, {"elements", parameters.elements()}});
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto own = parameters[i].value.span();
    copy_values(weights.first(own.size()), own);
    weights = weights.subspan(own.size());
  }
}

void write_checkpoint(const std::filesystem::path& folder, const Parameters& parameters,
                      const TrainingState& state, const CheckpointKey& key) {
  std::filesystem::create_directories(folder);
  Tensors tensors;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    tensors.add(parameters[i].name, parameters[i].shape, parameters[i].value.span());
  for (const Optimiser::Moment& moment : state.optimiser.moments())
    tensors.add(kMomentPrefix + moment.name, {moment.values.ssize()}, moment.values.span());
  if (state.best_epoch > 0) tensors.add(kBest, {state.best_weights.ssize()}, state.best_weights.span());
  write_safetensors(folder / checkpoint_name(state), tensors.all(), {{"kith", cursor_text(state, key)}});
  const auto all = checkpoints_in(folder);
  for (std::size_t i = kKept; i < all.size(); ++i) std::filesystem::remove(all[i]);
}

std::vector<std::filesystem::path> checkpoints_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  if (std::filesystem::is_directory(folder)) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("epoch-") && name.ends_with(".safetensors")) found.push_back(entry.path());
    }
  }
  // By stem: "epoch-000003" < "epoch-000003-step-…" < "epoch-000004".
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.stem() > b.stem(); });
  return found;
}

// Everything that can be wrong is found before anything is changed, so an older checkpoint can be read after
// a damaged one.
void read_checkpoint(const std::filesystem::path& file, Parameters& parameters, TrainingState& state,
                     const CheckpointKey& key) {
  const Safetensors saved = Safetensors::read(file);
  const Cursor cursor = read_cursor(file, saved, key);
  std::vector<std::pair<std::span<const float>, std::span<float>>> copies;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    copies.emplace_back(saved.tensor(parameters[i].name, parameters[i].value.size()),
                        parameters[i].value.span());
  for (Optimiser::Moment& moment : state.optimiser.moments())
    copies.emplace_back(saved.tensor(kMomentPrefix + moment.name, moment.values.ssize()),
                        moment.values.span());
  if (cursor.best_epoch > 0) state.best_weights = copy_of(saved.tensor(kBest, parameters.elements()));
  for (const auto& [from, to] : copies) copy_values(from, to);
  state.optimiser.set_steps(cursor.optimiser_steps);
  state.epoch = cursor.epoch;
  state.step = cursor.step;
  state.best_epoch = cursor.best_epoch;
  state.best = cursor.best;
  state.partial_loss = cursor.partial_loss;
}

std::optional<std::filesystem::path> read_newest_checkpoint(const std::filesystem::path& folder,
                                                            Parameters& parameters, TrainingState& state,
                                                            const CheckpointKey& key) {
  for (const auto& file : checkpoints_in(folder)) {
    try {
      read_checkpoint(file, parameters, state, key);
      return file;
    } catch (const CorruptError& problem) {
      log::warning(std::string("damaged checkpoint passed over: ") + problem.what());
    }
  }
  return std::nullopt;
}

void write_weights(const std::filesystem::path& file, const Parameters& parameters,
                   std::span<const float> weights) {
  std::vector<NamedTensor> tensors;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto size = static_cast<std::size_t>(parameters[i].value.size());
    tensors.push_back({parameters[i].name, parameters[i].shape, weights.first(size)});
    weights = weights.subspan(size);
  }
  write_safetensors(file, tensors, {});
}

void read_weights(const std::filesystem::path& file, Parameters& parameters) {
  const Safetensors saved = Safetensors::read(file);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto values = saved.tensor(parameters[i].name, parameters[i].value.size());
    copy_values(std::span<const float>(values), parameters[i].value.span());
  }
}

}  // namespace kith
