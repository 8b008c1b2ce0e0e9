// Every exact plan is the training of one rank, and what it sends is what its idea says.
#include <map>
#include <mutex>
#include <numeric>
#include <set>

#include "exec/presets.h"
#include "exec/trained.h"
#include "partition/graphs.h"
#include "partition/matching.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/exec/halo/forecast.h"
#include "kith/exec/halo/protocol.h"
#include "kith/exec/local_graph.h"

namespace kith::test {
namespace {

const std::vector<std::string>& models() {
  static const std::vector<std::string> names{"gcn", "sage", "sage-max", "gin", "gat", "gatv2"};
  return names;
}

Training with(const std::string& model, const HaloProtocol& protocol) {
  Training training = full_graph_training(model);
  training.options.protocol = protocol;
  training.options.protocol.seed = training.options.seed;
  return training;
}

class PlansOf : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, PlansOf, testing::ValuesIn(models()), [](const auto& model) {
  std::string name = model.param;
  std::erase(name, '-');
  return name;
});

TEST_P(PlansOf, OnAnyRanksAndPartsAreTheTrainingOfOneRank) {
  const std::string model = GetParam();
  const Trained one = trained_on_threads(1, cut(training_graph(), "range", 1), full_graph_training(model));
  for (const std::string method : {"random", "metis"}) {
    for (const int ranks : {1, 2, 3, 4, 7}) {
      const PartitionedStore parts = cut(training_graph(), method, ranks);
      for (const std::string& plan : halo_choices("plan")) {
        const std::string where = plan + ", " + method + " on " + std::to_string(ranks);
        const Trained overlap = trained_on_threads(ranks, parts, with(model, {.plan = plan}));
        Training synchronous = with(model, {.plan = plan, .schedule = "sync"});
        synchronous.options.epochs = 2;
        const Trained sync = trained_on_threads(ranks, parts, synchronous);
        EXPECT_LT(largest_relative_difference(overlap.losses, one.losses), 1e-4) << where;
        EXPECT_LT(relative_distance(overlap.first_gradient, one.first_gradient), 1e-5) << where;
        EXPECT_EQ(sync.losses[0], overlap.losses[0]) << where;
        EXPECT_EQ(sync.losses[1], overlap.losses[1]) << where;
      }
    }
  }
}

TEST(Plans, SeveralPartsOnARankAreTheSameTraining) {
  for (const std::string model : {"gcn", "gat", "sage-max"}) {
    const Trained one = trained_on_threads(1, cut(training_graph(), "range", 1), full_graph_training(model));
    for (const std::string plan : {"partial-aggregates", "cover"}) {
      const Trained some =
          trained_on_threads(3, cut(training_graph(), "metis", 5), with(model, {.plan = plan}));
      EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4) << plan << ", " << model;
      EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5) << plan << ", " << model;
    }
  }
}

/// Batch norm needs all rows: a cover of all cut edges then.
TEST(Plans, CoverWithoutPruningIsTheTrainingOfOneRank) {
  for (const std::string model : {"gcn", "gatv2", "sage-max"}) {
    Training plain = full_graph_training(model), covered = with(model, {.plan = "cover"});
    plain.model.norm = covered.model.norm = "batch";
    const Trained one = trained_on_threads(1, cut(training_graph(), "range", 1), plain);
    const Trained some = trained_on_threads(3, cut(training_graph(), "random", 3), covered);
    EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4) << model;
    EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5) << model;
  }
}

TEST(Plans, DelayedAndReorderedMessagesChangeNoBit) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  for (const std::string model : {"gin", "gat", "gatv2", "sage-max"}) {
    for (const std::string plan : {"partial-aggregates", "cover"}) {
      Training training = with(model, {.plan = plan});
      training.options.epochs = 4;
      const Trained calm = trained_on_threads(3, parts, training);
      const Faults faults{.seed = 3, .delay_probability = 0.3, .reorder_probability = 0.3};
      const Trained rough = trained_on_threads(3, parts, training, faults);
      EXPECT_EQ(rough.losses, calm.losses) << plan << ", " << model;
      EXPECT_EQ(rough.weights, calm.weights) << plan << ", " << model;
    }
  }
}

/// The whole graph, and who has what of it.
struct Whole {
  std::vector<std::vector<std::int64_t>> sources;  ///< by destination, store ids
  std::map<std::int64_t, int> rank_of;
  std::set<std::int64_t> train;
};

Whole whole(const PartitionedStore& parts, int ranks) {
  Whole all;
  const Store store = Store::open(training_graph().folder.path() / "store");
  store.graph().visit([&](auto csr) {
    for (std::int64_t v = 0; v < csr.n(); ++v) all.sources.emplace_back(csr.row(v).begin(), csr.row(v).end());
  });
  const Ownership ownership(parts, ranks);
  for (int r = 0; r < ranks; ++r)
    for (const StoreId id : OwnedData(parts, ownership, Rank(r)).store_ids) all.rank_of[id.value()] = r;
  for (const std::int64_t node : store.split(Split::train)) all.train.insert(node);
  return all;
}

/// Edges into `rows` from one rank into another, by the pair of ranks (receiver, sender).
using Pairs = std::map<std::pair<int, int>, std::vector<std::pair<std::int64_t, std::int64_t>>>;
Pairs cut_into(const Whole& all, const std::set<std::int64_t>& rows) {
  Pairs pairs;
  for (const std::int64_t node : rows)
    for (const std::int64_t source : all.sources[node])
      if (all.rank_of.at(node) != all.rank_of.at(source))
        pairs[{all.rank_of.at(node), all.rank_of.at(source)}].emplace_back(node, source);
  return pairs;
}

/// The fewest rows that can carry the pair's edges: as many as the largest matching has edges.
std::int64_t fewest(const std::vector<std::pair<std::int64_t, std::int64_t>>& edges) {
  std::map<std::int64_t, std::int32_t> rows, columns;
  for (const auto& [row, column] : edges) {
    rows.emplace(row, static_cast<std::int32_t>(rows.size()));
    columns.emplace(column, static_cast<std::int32_t>(columns.size()));
  }
  Edges numbered;
  for (const auto& [row, column] : edges) numbered.emplace_back(columns[column], rows[row]);
  return largest_matching(graph_of(std::ssize(rows), numbered), std::ssize(columns));
}

std::int64_t destinations(const std::vector<std::pair<std::int64_t, std::int64_t>>& edges) {
  std::set<std::int64_t> rows;
  for (const auto& [row, column] : edges) rows.insert(row);
  return std::ssize(rows);
}

/// The rows behind exchanges 1 and 2 of three layers.
std::vector<std::set<std::int64_t>> needed_rows(const Whole& all) {
  std::vector<std::set<std::int64_t>> rows{{}, all.train};
  rows[0] = rows[1];
  for (const std::int64_t node : rows[1]) rows[0].insert(all.sources[node].begin(), all.sources[node].end());
  return rows;
}

/// Rows that all ranks receive at exchanges 1 and 2 of a training with three layers.
std::vector<std::int64_t> planned_rows(const std::string& plan, const std::string& method, int ranks) {
  std::vector<std::int64_t> rows(2);
  std::mutex mutex;
  const PartitionedStore parts = cut(training_graph(), method, ranks);
  run_thread_ranks(ranks, [&](Communicator& comm) {
    Ledger ledger;
    const Ownership ownership(parts, ranks);
    const OwnedData owned(parts, ownership, comm.rank());
    LocalGraph local({comm, ledger, ownership, owned}, SelfEdges::as_stored, {.plan = plan});
    local.train_only(owned.split[static_cast<int>(Split::train)], 3);
    const std::lock_guard lock(mutex);
    for (const int e : {1, 2}) rows[e - 1] += local.exchange().sums(e)->lists.counts.total_receive();
  });
  return rows;
}

/// Of the first exchange, only needed rows of more in-edges than are computed again; of the second all that
/// are needed.
TEST(Plans, RecomputedRowsDoNotCrossAtTheFirstExchange) {
  for (const int most_edges : {1, 4, 1000}) {
    const PartitionedStore parts = cut(training_graph(), "random", 3);
    const Whole all = whole(parts, 3);
    std::vector<std::int64_t> expected(2), crossing(2);
    for (const std::size_t e : {0, 1}) {
      std::set<std::pair<int, std::int64_t>> halo;
      for (const auto& [pair, edges] : cut_into(all, needed_rows(all)[e]))
        for (const auto& [node, source] : edges) halo.emplace(pair.first, source);
      expected[e] = std::ranges::count_if(
          halo, [&](const auto& row) { return e == 1 || std::ssize(all.sources[row.second]) > most_edges; });
    }
    std::mutex mutex;
    run_thread_ranks(3, [&](Communicator& comm) {
      Training training = with("sage", {.plan = "recompute:" + std::to_string(most_edges)});
      training.options.epochs = 1;
      const Trained some = trained(comm, parts, training);
      const std::lock_guard lock(mutex);
      for (const auto& [key, value] : some.ledger)
        if (key.name == "halo.forward.rows" && key.layer > 0)
          crossing[key.layer - 1] += static_cast<std::int64_t>(value);
    });
    EXPECT_EQ(crossing, expected) << most_edges;
  }
}

TEST(Plans, RecomputedRowsOfAnyNumberAreTheTrainingOfOneRank) {
  for (const std::string model : {"gcn", "gat", "gatv2", "sage-max"}) {
    for (const double input_dropout : {-1.0, 0.0}) {
      Training plain = full_graph_training(model);
      plain.model.input_dropout = input_dropout;
      const Trained one = trained_on_threads(1, cut(training_graph(), "range", 1), plain);
      for (const std::string plan : {"recompute:1", "recompute:1000000"}) {
        Training training = with(model, {.plan = plan});
        training.model.input_dropout = input_dropout;
        const Trained some = trained_on_threads(3, cut(training_graph(), "metis", 5), training);
        EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4) << plan << ", " << model;
        EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5) << plan << ", " << model;
        for (const int split : {0, 1, 2})
          EXPECT_NEAR(some.evaluation.loss[split], one.evaluation.loss[split],
                      1e-3 * one.evaluation.loss[split])
              << plan << ", " << model;
      }
    }
  }
}

/// What all ranks receive at one exchange.
struct Crossed {
  std::int64_t rows = 0, partials = 0;
  bool operator==(const Crossed&) const = default;
};
/// At exchanges 1 and 2 of a training with three layers whose owners make maxima or attention. `by_pair`
/// gets the costs of what crosses from a rank into another.
using Costs = std::map<std::pair<int, int>, std::int64_t>;
std::vector<Crossed> planned_partials(const std::string& model, const HaloProtocol& protocol,
                                      const PartitionedStore& parts, std::vector<Costs>* by_pair = nullptr) {
  std::vector<Crossed> crossed(2);
  std::mutex mutex;
  const Training training = with(model, protocol);
  const auto exchanges = exchanges_of_a_step(parts.meta().store, protocol, factory_of(training.model));
  Parameters parameters(0);
  const SelfEdges self_edges =
      factory_of(training.model)(parameters, parts.meta().store.features, parts.meta().store.classes)
          ->self_edges();
  run_thread_ranks(parts.k(), [&](Communicator& comm) {
    Ledger ledger;
    const Ownership ownership(parts, parts.k());
    const OwnedData owned(parts, ownership, comm.rank());
    LocalGraph local({comm, ledger, ownership, owned}, self_edges, protocol);
    local.train_only(owned.split[static_cast<int>(Split::train)], 3, exchanges);
    const std::lock_guard lock(mutex);
    for (const std::size_t e : {0, 1}) {
      const PartialPlan& plan = *local.exchange().partials(static_cast<int>(e) + 1);
      crossed[e].rows += plan.rows.counts.total_receive();
      crossed[e].partials += plan.partials.counts.total_receive();
      if (by_pair == nullptr) continue;
      const CoverCosts costs = local.exchange().cover_costs(exchanges[e], plan.place_bytes);
      for (int sender = 0; sender < parts.k(); ++sender)
        (*by_pair)[e][{comm.rank().value(), sender}] =
            costs.source * plan.rows.counts.receive[sender] +
            costs.destination * plan.partials.counts.receive[sender];
    }
  });
  return crossed;
}

TEST(Plans, ACoverIsTheFewestRowsBetweenEveryPairAndPartialAggregatesARowADestination) {
  for (const std::string method : {"random", "metis"}) {
    for (const int ranks : {2, 3, 4}) {
      const Whole all = whole(cut(training_graph(), method, ranks), ranks);
      std::set<std::int64_t> every;
      for (const auto& [node, rank] : all.rank_of) every.insert(node);
      std::int64_t sums = 0;
      for (const auto& [pair, edges] : cut_into(all, every)) sums += destinations(edges);
      const auto summed = planned_rows("partial-aggregates", method, ranks);
      EXPECT_EQ(summed, (std::vector<std::int64_t>{sums, sums})) << method << " on " << ranks;
      const auto covered = planned_rows("cover", method, ranks);
      for (const int e : {0, 1}) {
        std::int64_t rows = 0;
        for (const auto& [pair, edges] : cut_into(all, needed_rows(all)[e])) rows += fewest(edges);
        EXPECT_EQ(covered[e], rows) << method << " on " << ranks << ", exchange " << e + 1;
        EXPECT_LT(covered[e], summed[e]);
      }
    }
  }
}

/// The least a cover of the pair's edges may cost: as much as a matching of copies of their ends, of each as
/// many as it costs.
std::int64_t cheapest(const std::vector<std::pair<std::int64_t, std::int64_t>>& edges,
                      const CoverCosts& costs) {
  const std::int64_t common = std::gcd(costs.source, costs.destination);
  const std::int64_t row_copies = costs.destination / common, column_copies = costs.source / common;
  std::map<std::int64_t, std::int64_t> rows, columns;
  for (const auto& [row, column] : edges) {
    rows.emplace(row, std::ssize(rows));
    columns.emplace(column, std::ssize(columns));
  }
  Edges copies;
  for (const auto& [row, column] : edges)
    for (std::int64_t r = 0; r < row_copies; ++r)
      for (std::int64_t c = 0; c < column_copies; ++c)
        copies.emplace_back(static_cast<std::int32_t>(columns[column] * column_copies + c),
                            static_cast<std::int32_t>(rows[row] * row_copies + r));
  return common * largest_matching(graph_of(std::ssize(rows) * row_copies, copies),
                                   std::ssize(columns) * column_copies);
}

/// A source costs its row both ways. A destination of a maximum costs its numbers both ways and a byte that
/// tells the winner; of GAT besides its numbers two terms and two log-sums a head; of GATv2 two rows more.
TEST(Plans, ACoverCostsTheFewestBytesBetweenEveryPair) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  const Whole all = whole(parts, 3);
  const std::map<std::string, std::vector<CoverCosts>> costs{
      {"sage-max", {{2 * 32 + 8, 2 * 32}, {2 * 32 + 8, 2 * 32}}},
      {"gat", {{2 * 64 + 4 * 8, 2 * 64}, {2 * 32 + 4 * 8, 2 * 32}}},
      {"gatv2", {{4 * 64 + 2 * 8, 2 * 64}, {4 * 32 + 2 * 8, 2 * 32}}}};
  for (const auto& [model, by_exchange] : costs) {
    std::vector<Costs> planned(2);
    planned_partials(model, {.plan = "cover"}, parts, &planned);
    for (const std::size_t e : {0, 1}) {
      std::set<std::pair<int, int>> pairs;
      for (const auto& [pair, edges] : cut_into(all, needed_rows(all)[e])) {
        EXPECT_EQ(planned[e].at(pair), cheapest(edges, by_exchange[e])) << model << ", exchange " << e + 1;
        pairs.insert(pair);
      }
      for (const auto& [pair, cost] : planned[e])
        EXPECT_TRUE(pairs.contains(pair) || cost == 0) << model << ", exchange " << e + 1;
    }
  }
}

/// Where zeros do not cross, a source's row is expected to cost three tenths of a sum.
TEST(Plans, ACoverOfSparseRowsHasFewerSums) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  const auto sums = [&](const std::string& encode) {
    double count = 0;
    run_thread_ranks(3, [&](Communicator& comm) {
      Training training = with("gcn", {.plan = "cover", .encode = encode});
      training.options.epochs = 1;
      const Trained some = trained(comm, parts, training);
      if (comm.rank() != Rank{0}) return;
      for (const auto& [key, value] : some.ledger)
        if (key.name == "plan.sums" && key.layer == 1) count += value;
    });
    return count;
  };
  EXPECT_GT(sums("fp32"), 0);
  EXPECT_LT(sums("support"), sums("fp32"));
}

/// Without dropout of the features a sum of theirs never changes: it crosses once, from 12 columns, instead
/// of their rows; no rank holds features of others.
TEST(Plans, SumsOfFeaturesCrossOnceWhereTheModelReadsNothingElse) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  const Whole all = whole(parts, 3);
  std::set<std::int64_t> every;
  for (const auto& [node, rank] : all.rank_of) every.insert(node);
  std::map<std::string, std::int64_t> rows;
  for (const auto& [pair, edges] : cut_into(all, every)) {
    rows["partial-aggregates"] += destinations(edges);
    rows["cover"] += fewest(edges);
  }
  for (const std::string model : {"gcn", "sage", "gin"}) {
    Training plain = with(model, {});
    plain.model.input_dropout = 0;
    const Trained one = trained_on_threads(1, cut(training_graph(), "range", 1), plain);
    for (const auto& [plan, count] : rows) {
      Training summed = with(model, {.plan = plan});
      summed.model.input_dropout = 0;
      double bytes = 0;
      std::mutex mutex;
      run_thread_ranks(3, [&](Communicator& comm) {
        const Trained some = trained(comm, parts, summed);
        const std::lock_guard lock(mutex);
        for (const auto& [key, value] : some.ledger)
          if (key.name == "halo.bytes" && key.layer == 0) bytes += value;
        EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4) << model << ", " << plan;
        EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5) << model << ", " << plan;
        for (const int split : {0, 1, 2})
          EXPECT_NEAR(some.evaluation.loss[split], one.evaluation.loss[split],
                      1e-4 * one.evaluation.loss[split]);
      });
      EXPECT_EQ(bytes, static_cast<double>(count) * 12 * 4) << model << ", " << plan;
    }
  }
}

/// Three layers exchange 8 columns, then 4 (classes), and back; features cross once.
TEST(Plans, BytesAreThoseOfThePlansRows) {
  const PartitionedStore parts = cut(training_graph(), "random", 2);
  const auto bytes = [&](const HaloProtocol& protocol) {
    double sum = 0;
    std::mutex mutex;
    run_thread_ranks(2, [&](Communicator& comm) {
      const double own = trained(comm, parts, with("sage", protocol)).halo_bytes;
      const std::lock_guard lock(mutex);
      sum += own;
    });
    return sum;
  };
  const double once = bytes({.select = "boundary:0"}), epochs = 10;
  for (const std::string plan : {"partial-aggregates", "cover"}) {
    const auto rows = planned_rows(plan, "random", 2);
    const auto first = static_cast<double>(rows[0]), second = static_cast<double>(rows[1]);
    EXPECT_EQ(bytes({.plan = plan}), once + epochs * 2 * 4 * (8 * first + 4 * second)) << plan;
    EXPECT_EQ(bytes({.plan = plan, .encode = "int8"}),
              once + epochs * 2 * ((4 + 8) * first + (4 + 4) * second))
        << plan;
  }
}

/// Four bytes a number: both ways the rows, and of partials the numbers, what goes with them and the terms.
TEST(Plans, BytesOfMaximaAndAttentionAreThoseOfThePlansMessages) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  constexpr double kHeads = 2, kEpochs = 10;
  for (const std::string plan : {"partial-aggregates", "cover"}) {
    const auto bytes = [&](const std::string& model) {
      double sum = 0;
      std::mutex mutex;
      run_thread_ranks(3, [&](Communicator& comm) {
        const Trained some = trained(comm, parts, with(model, {.plan = plan}));
        const std::lock_guard lock(mutex);
        for (const auto& [key, value] : some.ledger)
          if (key.name == "halo.bytes" && key.layer > 0) sum += value;
      });
      return sum;
    };
    const auto expected = [&](const std::string& model, std::vector<double> widths, const auto& of_partial) {
      const std::vector<Crossed> crossed = planned_partials(model, {.plan = plan}, parts);
      double sum = 0;
      for (const std::size_t e : {0, 1})
        sum += static_cast<double>(crossed[e].rows) * 8 * widths[e] +
               static_cast<double>(crossed[e].partials) * of_partial(widths[e]);
      return kEpochs * sum;
    };
    EXPECT_EQ(bytes("sage-max"), expected("sage-max", {8, 8}, [](double d) { return 8 * d + d; })) << plan;
    EXPECT_EQ(bytes("gat"), expected("gat", {16, 8}, [](double d) { return 8 * (d + 2 * kHeads); })) << plan;
    EXPECT_EQ(bytes("gatv2"), expected("gatv2", {16, 8}, [](double d) { return 8 * (2 * d + kHeads); }))
        << plan;
  }
}

/// A maximum of more sources than a byte tells apart.
TEST(Plans, MaximaOfManySourcesAreThoseOfOneRank) {
  static const RandomStore dense(
      {.nodes = 1200, .degree = 150, .cols = 4, .train_stride = 3, .all_splits = true});
  Training training = with("sage-max", {.plan = "partial-aggregates"});
  training.model.layers = 2;
  training.options.epochs = 2;
  const PartitionedStore parts = cut(dense, "random", 2);
  std::int64_t place_bytes = 0;
  run_thread_ranks(2, [&](Communicator& comm) {
    Ledger ledger;
    const Ownership ownership(parts, 2);
    const OwnedData owned(parts, ownership, comm.rank());
    LocalGraph local({comm, ledger, ownership, owned}, SelfEdges::as_stored, training.options.protocol);
    const std::vector<StepExchange> maxima{{.layer = 1, .cols = 8, .what = Crossing::maxima}};
    local.train_only({}, 0, maxima);
    if (comm.rank() == Rank{0}) place_bytes = local.exchange().partials(1)->place_bytes;
  });
  EXPECT_EQ(place_bytes, 2);
  const Trained one = trained_on_threads(1, cut(dense, "range", 1), training);
  const Trained some = trained_on_threads(2, parts, training);
  EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4);
  EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5);
}

TEST(Plans, TheirRowsAreTheseCounts) {
  using Counts = std::vector<std::int64_t>;
  EXPECT_EQ(planned_rows("partial-aggregates", "random", 3), (Counts{353, 353}));
  EXPECT_EQ(planned_rows("cover", "random", 3), (Counts{256, 112}));
  EXPECT_EQ(planned_rows("partial-aggregates", "range", 4), (Counts{439, 439}));
  EXPECT_EQ(planned_rows("cover", "range", 4), (Counts{322, 135}));
}

std::string refusal(const std::string& model, const HaloProtocol& protocol) {
  try {
    trained_on_threads(2, cut(training_graph(), "random", 2), with(model, protocol));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Plans, WhatMeansNothingIsRefusedWithTheReason) {
  const PartitionedStore parts = cut(training_graph(), "random", 2);
  run_thread_ranks(2, [&](Communicator& comm) {
    Ledger ledger;
    const Ownership ownership(parts, 2);
    const OwnedData owned(parts, ownership, comm.rank());
    LocalGraph local({comm, ledger, ownership, owned}, SelfEdges::as_stored, {.plan = "partial-aggregates"});
    const std::vector<StepExchange> rows{{.layer = 1, .cols = 8, .what = Crossing::rows}};
    EXPECT_THROW(local.train_only({}, 0, rows), InputError);
  });
  for (const std::string plan : {"partial-aggregates", "cover"}) {
    EXPECT_NE(refusal("gcn", {.plan = plan, .schedule = "stale"}).find("before dropout"), std::string::npos);
    EXPECT_NE(refusal("gcn", {.plan = plan, .select = "bins:3"}).find("before dropout"), std::string::npos);
  }
}

}  // namespace
}  // namespace kith::test
