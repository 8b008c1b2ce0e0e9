// A run that was stopped and continued is the run that was not, in every bit.
#include <algorithm>
#include <fstream>

#include "exec/trained.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/exec/train.h"

namespace kith::test {
namespace {

namespace fs = std::filesystem;

const RandomStore& graph() {
  static const RandomStore store(
      {.nodes = 160, .degree = 5, .self_loops = true, .cols = 8, .train_stride = 3, .all_splits = true});
  return store;
}

Training training_of(Regime regime, const std::string& model) {
  Training training = regime == Regime::full_graph ? full_graph_training(model) : mini_batch_training(model);
  training.options.epochs = 6;
  training.options.checkpoint_every = 2;
  training.options.settings_hash = 77;
  training.options.settings = {{"lr", "0.02"}};
  return training;
}

/// The model, but its forward pass number `calls` from now ends in an exception, on every rank.
class Interrupted final : public Model {
 public:
  Interrupted(std::unique_ptr<Model> model, int calls) : model_(std::move(model)), left_(calls) {}
  Var forward(Tape& tape, const LayerGraphs& graphs, const Var& x) override {
    if (tape.training() && left_-- == 0) throw InputError("interrupted");
    return model_->forward(tape, graphs, x);
  }
  int layers() const override { return model_->layers(); }
  SelfEdges self_edges() const override { return model_->self_edges(); }
  bool one_exchange_a_layer() const override { return model_->one_exchange_a_layer(); }
  bool sums_input() const override { return model_->sums_input(); }
  bool sums_neighbours() const override { return model_->sums_neighbours(); }

 private:
  std::unique_ptr<Model> model_;
  int left_;
};

/// `kith train`; interrupted after so many training steps unless negative.
void train_run(const fs::path& run, int ranks, const Training& training, int steps = -1) {
  const PartitionedStore parts = cut(graph(), "random", ranks);
  const auto make = [&](Parameters& parameters, std::int64_t in,
                        std::int64_t classes) -> std::unique_ptr<Model> {
    ModelOptions shape = training.model;
    shape.in = in;
    shape.classes = classes;
    auto model = make_model(parameters, shape);
    if (steps < 0) return model;
    return std::make_unique<Interrupted>(std::move(model), steps);
  };
  run_thread_ranks(ranks, [&](Communicator& comm) { train(comm, parts, run, training.options, make); });
}

/// The losses and accuracies of all epochs, without the seconds.
std::vector<nlohmann::json> metrics_of(const fs::path& run) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(run / "metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    lines.push_back(nlohmann::json::parse(line));
    lines.back().erase("seconds");
  }
  return lines;
}

std::vector<std::string> checkpoint_names(const fs::path& run) {
  std::vector<std::string> names;
  for (const auto& file : checkpoints_in(run / "checkpoints")) names.push_back(file.filename().string());
  return names;
}

void expect_the_same_run(const fs::path& a, const fs::path& b) {
  EXPECT_EQ(metrics_of(a), metrics_of(b));
  for (const char* file : {"best.safetensors", "checkpoints/epoch-000006.safetensors"})
    EXPECT_TRUE(read_text_file(a / file) == read_text_file(b / file)) << file;
}

struct Case {
  Regime regime;
  const char* model;
  int ranks;
};

class Resume : public ::testing::TestWithParam<Case> {};

TEST_P(Resume, EqualsNotHavingStopped) {
  const Training training = training_of(GetParam().regime, GetParam().model);
  const TemporaryFolder folder;
  const fs::path whole = folder.path() / "whole", stopped = folder.path() / "stopped";
  train_run(whole, GetParam().ranks, training);
  ASSERT_EQ(metrics_of(whole).size(), 6u);
  // In the middle of the fourth epoch: the third is trained again from the checkpoint of the second.
  const int steps_per_epoch = GetParam().regime == Regime::full_graph ? 1 : 2;
  EXPECT_THROW(train_run(stopped, GetParam().ranks, training, 4 * steps_per_epoch - 1), InputError);
  EXPECT_EQ(checkpoint_names(stopped), std::vector<std::string>({"epoch-000002.safetensors"}));
  EXPECT_EQ(metrics_of(stopped).size(), 3u);
  train_run(stopped, GetParam().ranks, training);
  expect_the_same_run(stopped, whole);
}

INSTANTIATE_TEST_SUITE_P(Runs, Resume,
                         ::testing::Values(Case{Regime::full_graph, "gcn", 1},
                                           Case{Regime::full_graph, "gat", 2},
                                           Case{Regime::mini_batch, "sage", 1},
                                           Case{Regime::mini_batch, "gat", 2},
                                           Case{Regime::mini_batch, "gcn", 3}),
                         [](const auto& instance) {
                           const Case& c = instance.param;
                           return std::string(c.model) +
                                  (c.regime == Regime::full_graph ? "Full" : "Batches") +
                                  std::to_string(c.ranks);
                         });

/// Protocols that keep something from step to step: rows, averages, what was sent last, debts, copies, when
/// bins began.
const std::vector<HaloProtocol>& keeping() {
  static const std::vector<HaloProtocol> protocols{
      {.schedule = "stale"},
      {.schedule = "stale:0.6:0.3"},
      {.select = "bins:3"},
      {.select = "bins:3", .encode = "int4", .schedule = "stale"},
      {.select = "boundary:0.6", .schedule = "stale:0.5"},
      {.select = "moved:0.05:4"},
      {.select = "moved:0.05:4", .encode = "delta:4", .schedule = "stale"},
      {.encode = "int2", .feedback = true},
      {.encode = "centroids:0.3", .feedback = true},
      {.plan = "needed-rows", .encode = "delta:2"}};
  return protocols;
}

Training keeping_training(const HaloProtocol& protocol) {
  Training training = training_of(Regime::full_graph, "sage");
  training.options.protocol = protocol;
  training.options.protocol.seed = 5;
  return training;
}

TEST(Resume, OfAProtocolThatKeepsRowsEqualsNotHavingStopped) {
  for (const HaloProtocol& protocol : keeping()) {
    SCOPED_TRACE(protocol.plan + ' ' + protocol.select + ' ' + protocol.encode + ' ' + protocol.schedule);
    const Training training = keeping_training(protocol);
    const TemporaryFolder folder;
    const fs::path whole = folder.path() / "whole", stopped = folder.path() / "stopped",
                   unsaved = folder.path() / "unsaved";
    train_run(whole, 3, training);
    EXPECT_THROW(train_run(stopped, 3, training, 5), InputError);
    train_run(stopped, 3, training);
    expect_the_same_run(stopped, whole);
    Training never = training;
    never.options.checkpoint_every = 0;
    train_run(unsaved, 3, never);
    EXPECT_EQ(metrics_of(unsaved), metrics_of(whole)) << "saving changes nothing";
    // Of the last two checkpoints, by rank.
    EXPECT_EQ(std::distance(fs::directory_iterator(whole / "checkpoints/halo"), fs::directory_iterator()), 6);
  }
}

TEST(Resume, WhatAHaloProtocolKeptOnOtherRanksIsNotUsedAndSaysSo) {
  const Training training = keeping_training({.schedule = "stale"});
  for (const bool other_ranks : {true, false}) {
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    EXPECT_THROW(train_run(run, 3, training, 5), InputError);
    const fs::path state = run / "checkpoints/halo/epoch-000004-rank-00001.safetensors";
    ASSERT_TRUE(fs::exists(state));
    if (!other_ranks) fs::resize_file(state, fs::file_size(state) / 2);
    ::testing::internal::CaptureStderr();
    train_run(run, other_ranks ? 2 : 3, training);
    const std::string log = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(log.find("starts anew"), std::string::npos) << log;
    EXPECT_NE(log.find(other_ranks ? "other parts" : "epoch-000004-rank-00001"), std::string::npos) << log;
    EXPECT_EQ(metrics_of(run).size(), 6u);
  }
}

/// A run stopped in its sixth epoch, with checkpoints of the second and the fourth.
struct StoppedRun {
  StoppedRun() { EXPECT_THROW(train_run(path, 1, training, 5), InputError); }
  fs::path checkpoint(int epoch) const {
    return path / "checkpoints" / ("epoch-00000" + std::to_string(epoch) + ".safetensors");
  }
  Training training = training_of(Regime::full_graph, "sage");
  TemporaryFolder folder;
  fs::path path = folder.path() / "run";
};

std::string resumed_log(const StoppedRun& run, const Training& training) {
  ::testing::internal::CaptureStderr();
  train_run(run.path, 1, training);
  return ::testing::internal::GetCapturedStderr();
}

TEST(Resume, PassesOverADamagedCheckpointByName) {
  const TemporaryFolder folder;
  const fs::path whole = folder.path() / "whole";
  const Training training = training_of(Regime::full_graph, "sage");
  train_run(whole, 1, training);
  for (const double share : {0.0, 0.001, 0.3, 0.999}) {
    const StoppedRun run;
    ASSERT_EQ(checkpoint_names(run.path).size(), 2u);
    const auto size = static_cast<double>(fs::file_size(run.checkpoint(4)));
    fs::resize_file(run.checkpoint(4), static_cast<std::uintmax_t>(size * share));
    const std::string log = resumed_log(run, training);
    EXPECT_NE(log.find("epoch-000004.safetensors"), std::string::npos) << log;
    expect_the_same_run(run.path, whole);
  }
}

TEST(Resume, PassesOverACheckpointWithAFlippedByte) {
  const TemporaryFolder folder;
  const fs::path whole = folder.path() / "whole";
  const Training training = training_of(Regime::full_graph, "sage");
  train_run(whole, 1, training);
  const StoppedRun run;
  const std::string good = read_text_file(run.checkpoint(4));
  // In the length, in the training state's numbers, in the names, in the data.
  const std::size_t places[] = {0, good.find("\\\"step\\\":") + 9, good.find("optimizer.exp_avg") + 12,
                                good.size() - 3};
  for (const std::size_t place : places) {
    ASSERT_LT(place, good.size());
    std::string damaged = good;
    damaged[place] = static_cast<char>(damaged[place] ^ 1);
    std::ofstream(run.checkpoint(4), std::ios::binary) << damaged;
    Parameters parameters(training.options.seed);
    ModelOptions shape = training.model;
    shape.in = 8;
    shape.classes = 4;
    const auto model = make_model(parameters, shape);
    TrainingState state(parameters, training.options.optimiser);
    const auto used = read_newest_checkpoint(run.path / "checkpoints", parameters, state, {77, "sage"});
    ASSERT_TRUE(used.has_value());
    EXPECT_EQ(used->filename(), "epoch-000002.safetensors") << "byte " << place;
    EXPECT_EQ(state.epoch, 2);
  }
  const std::string log = resumed_log(run, training);
  EXPECT_NE(log.find("epoch-000004.safetensors"), std::string::npos) << log;
  expect_the_same_run(run.path, whole);
}

/// What a reader says of a checkpoint; empty: nothing is wrong with it.
std::string refusal(const fs::path& file, Parameters& parameters, TrainingState& state) {
  try {
    read_checkpoint(file, parameters, state, {77, "gcn"});
    return "";
  } catch (const CorruptError& error) {
    return error.what();
  }
}

Training small_training() {
  Training training = training_of(Regime::full_graph, "gcn");
  training.model.hidden = 4;
  training.model.in = 8;
  training.model.classes = 4;
  return training;
}

/// Both checkpoints of a stopped run of a small model, and what reads them.
struct SmallRun {
  SmallRun() { EXPECT_THROW(train_run(path, 1, training, 5), InputError); }
  fs::path newest() const { return path / "checkpoints/epoch-000004.safetensors"; }
  /// The epoch of the checkpoint that is used.
  std::int64_t used() {
    ::testing::internal::CaptureStderr();
    read_newest_checkpoint(path / "checkpoints", parameters, state, {77, "gcn"});
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("epoch-000004"), std::string::npos);
    return state.epoch;
  }
  Training training = small_training();
  TemporaryFolder folder;
  fs::path path = folder.path() / "run";
  Parameters parameters{training.options.seed};
  std::unique_ptr<Model> model = make_model(parameters, training.model);
  TrainingState state{parameters, training.options.optimiser};
};

TEST(Resume, ACheckpointCutAtAnyByteIsRefusedByName) {
  SmallRun run;
  ASSERT_EQ(refusal(run.newest(), run.parameters, run.state), "");
  const auto whole = static_cast<std::int64_t>(fs::file_size(run.newest()));
  for (std::int64_t length = whole - 1; length >= 0; --length) {
    fs::resize_file(run.newest(), static_cast<std::uintmax_t>(length));
    const std::string said = refusal(run.newest(), run.parameters, run.state);
    ASSERT_NE(said.find("epoch-000004.safetensors"), std::string::npos)
        << "cut to " << length << ": " << said;
    if (length % 211 == 0) {
      ASSERT_EQ(run.used(), 2) << "cut to " << length;
    }
  }
}

TEST(Resume, ACheckpointWithAFlippedBitIsRefusedByNameOrReadsTheSame) {
  SmallRun run;
  ASSERT_EQ(refusal(run.newest(), run.parameters, run.state), "");
  const Array<float> weights = weights_of(run.parameters);
  std::size_t harmless = 0;
  std::fstream file(run.newest(), std::ios::binary | std::ios::in | std::ios::out);
  const std::string good = read_text_file(run.newest());
  const auto put = [&](std::size_t place, char byte) {
    file.seekp(static_cast<std::streamoff>(place));
    file.put(byte);
    file.flush();
  };
  for (std::size_t place = 0; place < good.size(); ++place) {
    put(place, static_cast<char>(good[place] ^ (1 << place % 8)));
    const std::string said = refusal(run.newest(), run.parameters, run.state);
    if (said.empty()) {  // a blank behind the header, which only fills it up to eight bytes
      ++harmless;
      ASSERT_TRUE(std::ranges::equal(weights_of(run.parameters).span(), weights.span())) << "byte " << place;
      ASSERT_EQ(run.state.step, 4);
    } else {
      ASSERT_NE(said.find("epoch-000004.safetensors"), std::string::npos) << "byte " << place << ": " << said;
    }
    if (place % 211 == 0) {
      ASSERT_EQ(run.used(), 2) << "byte " << place;
    }
    put(place, good[place]);
  }
  EXPECT_LT(harmless, 8u);
  EXPECT_EQ(refusal(run.newest(), run.parameters, run.state), "");
}

TEST(Resume, StartsAgainWhenEveryCheckpointIsDamaged) {
  const StoppedRun run;
  const TemporaryFolder folder;
  train_run(folder.path() / "whole", 1, run.training);
  for (const int epoch : {2, 4}) fs::resize_file(run.checkpoint(epoch), 100);
  train_run(run.path, 1, run.training);
  expect_the_same_run(run.path, folder.path() / "whole");
}

TEST(Resume, FromANamedCheckpointContinuesThere) {
  const StoppedRun run;
  const TemporaryFolder folder;
  train_run(folder.path() / "whole", 1, run.training);
  Training from_two = run.training;
  from_two.options.resume = run.checkpoint(2).string();
  train_run(run.path, 1, from_two);
  expect_the_same_run(run.path, folder.path() / "whole");
}

TEST(Resume, ADamagedNamedCheckpointIsAnError) {
  const StoppedRun run;
  fs::resize_file(run.checkpoint(4), 50);
  Training from_four = run.training;
  from_four.options.resume = run.checkpoint(4).string();
  EXPECT_THROW(train_run(run.path, 1, from_four), CorruptError);
}

TEST(Resume, OtherSettingsAreRefusedAndNamed) {
  const StoppedRun run;
  Training other = run.training;
  other.options.settings_hash = 78;
  other.options.settings = {{"lr", "0.5"}};
  try {
    train_run(run.path, 1, other);
    FAIL() << "must be refused";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("lr was 0.02, is 0.5"), std::string::npos) << error.what();
  }
  // The checkpoint itself belongs to its settings, too.
  Training elsewhere = other;
  elsewhere.options.resume = run.checkpoint(4).string();
  EXPECT_THROW(train_run(run.folder.path() / "elsewhere", 1, elsewhere), InputError);
}

TEST(Resume, AFinishedRunIsRefusedUnlessItIsOverwritten) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  const Training training = training_of(Regime::full_graph, "gcn");
  train_run(run, 1, training);
  const auto metrics = metrics_of(run);
  EXPECT_THROW(train_run(run, 1, training), InputError);
  Training again = training;
  again.options.resume = "never";
  EXPECT_THROW(train_run(run, 1, again), InputError);
  EXPECT_EQ(metrics_of(run), metrics) << "a refused run is left alone";
  again.options.overwrite = true;
  train_run(run, 1, again);
  EXPECT_EQ(metrics_of(run), metrics);
}

TEST(Resume, AnUnfinishedRunIsNotStartedAgainUnasked) {
  const StoppedRun run;
  Training never = run.training;
  never.options.resume = "never";
  EXPECT_THROW(train_run(run.path, 1, never), InputError);
  EXPECT_EQ(checkpoint_names(run.path).size(), 2u);
}

TEST(Resume, AFolderThatIsNoRunIsRefused) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "precious.txt") << "text";
  Training training = training_of(Regime::full_graph, "gcn");
  training.options.resume = "never";
  training.options.overwrite = true;
  EXPECT_THROW(train_run(folder.path(), 1, training), InputError);
  EXPECT_TRUE(fs::exists(folder.path() / "precious.txt"));
}

}  // namespace
}  // namespace kith::test
