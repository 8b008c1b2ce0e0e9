// What ranks decide by their data is noted; a run that follows a log is the run that wrote it, and the log
// with the plan tells every byte.
#include "kith/exec/halo/decisions.h"

#include <fstream>

#include "exec/trained.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "kith/core/checksum.h"
#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/exec/halo/forecast.h"
#include "kith/exec/train.h"

namespace kith::test {
namespace {

namespace fs = std::filesystem;
using Entries = std::map<LedgerKey, double>;

constexpr int kRanks = 3;
constexpr std::int64_t kEpochs = 6;

PartitionedStore parts() { return cut(training_graph(), "random", kRanks); }

Training with(const HaloProtocol& protocol, double budget = -1) {
  Training training = full_graph_training("sage");
  training.options.error_budget = budget;
  training.options.error_every = 2;
  training.options.epochs = kEpochs;
  training.options.protocol = protocol;
  training.options.protocol.seed = training.options.seed;
  training.options.protocol.steps = kEpochs;
  return training;
}

RunSummary train_run(const fs::path& run, const Training& training) {
  RunSummary summary;
  const PartitionedStore store = parts();
  run_thread_ranks(kRanks, [&](Communicator& comm) {
    RunSummary own = train(comm, store, run, training.options, factory_of(training.model));
    if (comm.rank() == Rank{0}) summary = std::move(own);
  });
  return summary;
}

Training replayed(Training training, const fs::path& log) {
  training.options.replay_decisions = log;
  return training;
}

std::vector<double> losses_of(const fs::path& run) {
  std::vector<double> losses;
  std::ifstream file(run / "metrics.jsonl");
  for (std::string line; std::getline(file, line);) losses.push_back(nlohmann::json::parse(line).at("loss"));
  return losses;
}

Entries halo_counts(const Entries& all) {
  Entries counts;
  for (const auto& [key, value] : all)
    if (key.name.starts_with("halo.forward.") || key.name.starts_with("halo.backward."))
      counts.insert({key, value});
  return counts;
}

/// Protocols that decide, and the same with other parameters.
struct Case {
  HaloProtocol first, other;
  double budget = -1, other_budget = -1;  ///< of errors
};
const std::vector<Case>& deciding() {
  static const std::vector<Case> cases{
      {{.select = "moved:0.1:4"}, {.select = "moved:0.9:7"}},
      {{.encode = "adaptive:2"}, {.encode = "adaptive:6"}},
      {{.encode = "adaptive:error=0.2"}, {.encode = "adaptive:error=0.01"}},
      {{.select = "moved:0.1:4", .encode = "adaptive:3", .schedule = "stale"},
       {.select = "moved:0:1", .encode = "adaptive:1", .schedule = "stale"}},
      {{.plan = "needed-rows", .select = "moved:0.2:9", .encode = "delta:4"},
       {.plan = "needed-rows", .select = "moved:0:9", .encode = "delta:4"}},
      {{.encode = "ladder"}, {.encode = "ladder"}, 0.05, 0.7},
      {{.plan = "cover", .encode = "ladder"}, {.plan = "cover", .encode = "ladder"}, 0.5, 0.003}};
  return cases;
}

TEST(Decisions, AReplayedRunIsTheFirstInEveryBitWhateverItWouldDecide) {
  for (const auto& [first, other, budget, other_budget] : deciding()) {
    SCOPED_TRACE(first.select + ' ' + first.encode + ' ' + first.schedule);
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run", again = folder.path() / "again", own = folder.path() / "own";
    const RunSummary one = train_run(run, with(first, budget));
    const RunSummary two = train_run(again, replayed(with(other, other_budget), run));
    EXPECT_EQ(losses_of(again), losses_of(run));
    EXPECT_TRUE(read_text_file(again / "best.safetensors") == read_text_file(run / "best.safetensors"));
    for (int rank = 0; rank < kRanks; ++rank) {
      EXPECT_EQ(halo_counts(two.ledgers[static_cast<std::size_t>(rank)]),
                halo_counts(one.ledgers[static_cast<std::size_t>(rank)]));
      EXPECT_TRUE(read_text_file(decision_file(again / "decisions", rank)) ==
                  read_text_file(decision_file(run / "decisions", rank)));
    }
    train_run(own, with(other, other_budget));
    EXPECT_NE(losses_of(own), losses_of(run)) << "by itself the other run decides otherwise";
  }
}

TEST(Decisions, CountedBytesAreThoseOfThePlanAndTheLog) {
  for (const auto& [protocol, other, budget, other_budget] : deciding()) {
    SCOPED_TRACE(protocol.select + ' ' + protocol.encode + ' ' + protocol.schedule);
    const TemporaryFolder folder;
    const Training training = with(protocol, budget);
    const RunSummary summary = train_run(folder.path() / "run", training);
    const PartitionedStore store = parts();
    const auto exchanges =
        exchanges_of_a_step(store.meta().store, training.options.protocol, factory_of(training.model));
    run_thread_ranks(kRanks, [&](Communicator& comm) {
      Ledger ledger;
      const Ownership ownership(store, kRanks);
      const OwnedData owned(store, ownership, comm.rank());
      LocalGraph graph({comm, ledger, ownership, owned}, SelfEdges::as_stored, training.options.protocol);
      graph.train_only(owned.split[static_cast<int>(Split::train)], training.model.layers, exchanges);
      HaloDecisions decisions;
      const int rank = comm.rank().value();
      decisions.follow(decision_file(folder.path() / "run/decisions", rank),
                       {kRanks, rank, checksum_of(std::as_bytes(graph.store_ids()))});
      graph.exchange().decide_by(&decisions);
      Ledger said;
      forecast(graph.exchange(), exchanges, kEpochs, said);
      EXPECT_EQ(halo_counts(said.entries()), halo_counts(summary.ledgers[static_cast<std::size_t>(rank)]))
          << "rank " << rank;
    });
  }
}

void expect_resumed_as_the_whole(const Training& asked) {
  const TemporaryFolder folder;
  Training training = asked;
  training.options.checkpoint_every = 2;
  train_run(folder.path() / "whole", training);
  Training half = training;
  half.options.epochs = 5;
  train_run(folder.path() / "half", half);
  // As if it had been lost after its fourth epoch, in the middle of a word.
  fs::remove(folder.path() / "half/DONE");
  fs::remove(folder.path() / "half/checkpoints/epoch-000005.safetensors");
  const fs::path log = decision_file(folder.path() / "half/decisions", 1);
  fs::resize_file(log, fs::file_size(log) - 3);
  train_run(folder.path() / "half", training);
  EXPECT_EQ(losses_of(folder.path() / "half"), losses_of(folder.path() / "whole"));
  for (int rank = 0; rank < kRanks; ++rank)
    EXPECT_TRUE(read_text_file(decision_file(folder.path() / "half/decisions", rank)) ==
                read_text_file(decision_file(folder.path() / "whole/decisions", rank)));
}

TEST(Decisions, TheLogOfAResumedRunIsThatOfTheWholeOne) {
  expect_resumed_as_the_whole(with({.select = "moved:0.1:4", .encode = "adaptive:2"}));
}

TEST(Decisions, AResumedRunKeepsTheEncodingsThatItsLayersTook) {
  // Measured in the first epoch alone.
  Training training = with({.encode = "support-ladder"}, 0.05);
  training.options.error_every = 7;
  expect_resumed_as_the_whole(training);
}

TEST(Decisions, RanksTakeTheSameEncodings) {
  const TemporaryFolder folder;
  train_run(folder.path() / "run", with({.encode = "ladder"}, 0.05));
  constexpr std::size_t kHead = 24;
  const std::string first = read_text_file(decision_file(folder.path() / "run/decisions", 0)).substr(kHead);
  EXPECT_GT(first.size(), 0u);
  for (int rank = 1; rank < kRanks; ++rank)
    EXPECT_TRUE(read_text_file(decision_file(folder.path() / "run/decisions", rank)).substr(kHead) == first);
}

std::string refusal(const fs::path& run, const Training& training) {
  try {
    train_run(run, training);
  } catch (const InputError& error) {
    return error.what();
  } catch (const CorruptError& error) {
    return std::string("corrupt: ") + error.what();
  }
  return "";
}

TEST(Decisions, ALogThatDoesNotFitIsRefusedByName) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run", other = folder.path() / "other";
  const Training training = with({.encode = "adaptive:2"});
  train_run(run, training);
  const auto said = [&](const Training& asked) {
    fs::remove_all(other);
    return refusal(other, replayed(asked, run));
  };
  EXPECT_EQ(said(training), "");
  EXPECT_NE(said(with({})).find("nothing is decided"), std::string::npos);
  EXPECT_NE(said(with({.select = "moved:0.1"})).find("has no decision of step 0"), std::string::npos);
  Training longer = training;
  longer.options.epochs = kEpochs + 2;
  EXPECT_NE(said(longer).find("fewer epochs"), std::string::npos);
  const fs::path log = decision_file(run / "decisions", 1);
  const std::string good = read_text_file(log);
  std::string damaged = good;
  damaged[good.size() / 2] = static_cast<char>(damaged[good.size() / 2] ^ 4);
  std::ofstream(log, std::ios::binary) << damaged;
  EXPECT_NE(said(training).find("corrupt: "), std::string::npos);
  std::ofstream(log, std::ios::binary) << read_text_file(decision_file(run / "decisions", 0));
  EXPECT_NE(said(training).find("other parts"), std::string::npos);
  fs::remove(log);
  EXPECT_NE(said(training).find("rank-00001.log"), std::string::npos);
}

}  // namespace
}  // namespace kith::test
