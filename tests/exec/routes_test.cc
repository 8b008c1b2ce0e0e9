// Every route is the same training, whatever the other axes are; what it sends and keeps is what its idea
// says.
#include <algorithm>
#include <mutex>
#include <set>

#include "exec/exchange_end.h"
#include "exec/presets.h"
#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/exec/halo/protocol.h"
#include "kith/exec/protocol_trial.h"

namespace kith::test {
namespace {

Training with(const std::string& model, const HaloProtocol& protocol, int epochs = 10) {
  Training training = full_graph_training(model);
  training.options.epochs = epochs;
  training.options.protocol = protocol;
  training.options.protocol.seed = training.options.seed;
  training.options.protocol.steps = epochs;
  return training;
}

/// The reason for which a protocol is refused; empty: it is not.
std::string refusal(const HaloProtocol& protocol, const std::string& model) {
  try {
    check_values(protocol);
    Parameters parameters(0);
    check_protocol(protocol, *factory_of(full_graph_training(model).model)(parameters, 12, 4));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// The routes, one of them of groups of two.
std::vector<std::string> routes() {
  std::vector<std::string> all = halo_choices("route");
  std::replace(all.begin(), all.end(), std::string("replicated"), std::string("replicated:2"));
  return all;
}

/// Sums have an order of their own.
bool sums(const std::string& route) { return route == "ring" || route == "replicated:2"; }

class RoutesOf : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, RoutesOf, testing::Values("gcn", "sage", "sage-max", "gin", "gat", "gatv2"),
                         [](const auto& model) {
                           std::string name = model.param;
                           std::erase(name, '-');
                           return name;
                         });

/// How a training lies on ranks. Each plan has another choice of these, so that over plans, and models, all
/// meet.
struct Layout {
  int ranks;
  std::string method, schedule;
};
std::vector<Layout> layouts(std::size_t turn) {
  std::vector<Layout> some;
  for (const int ranks : {1, 2, 3, 4, 7}) {
    const std::size_t place = turn + some.size();
    some.push_back({ranks, place % 2 == 0 ? "random" : "metis", place / 2 % 2 == 0 ? "overlap" : "sync"});
  }
  return some;
}

/// Point to point is the training of one rank (plans_test.cc). In rounds sums have another order, that of the
/// rounds.
TEST_P(RoutesOf, WithEveryPlanOnAnyRanksAndPartsAreTheTrainingByMessages) {
  const std::string model = GetParam();
  const Trained one = trained_on_threads(1, cut(training_graph(), "range", 1), full_graph_training(model));
  std::size_t turn = model.size();
  for (const std::string& plan : halo_choices("plan")) {
    for (const Layout& layout : layouts(turn++)) {
      const PartitionedStore parts = cut(training_graph(), layout.method, layout.ranks);
      const HaloProtocol messages{.plan = plan, .schedule = layout.schedule};
      if (!refusal(messages, model).empty()) continue;
      const Trained expected = trained_on_threads(layout.ranks, parts, with(model, messages, 2));
      for (const std::string& route : routes()) {
        HaloProtocol protocol = messages;
        protocol.route = route;
        if (route == "point-to-point" || !refusal(protocol, model).empty()) continue;
        if (route == "replicated:2" && layout.ranks != 1 && layout.ranks != 4) continue;
        const std::string where = route + ", " + plan + ", " + layout.method + ", " + layout.schedule +
                                  " on " + std::to_string(layout.ranks);
        const Trained trained = trained_on_threads(layout.ranks, parts, with(model, protocol, 2));
        if (!sums(route) || layout.ranks == 1) {
          EXPECT_EQ(trained.losses, expected.losses) << where;
          EXPECT_EQ(trained.weights, expected.weights) << where;
        } else {
          EXPECT_LT(largest_relative_difference(trained.losses, expected.losses), 1e-4) << where;
          EXPECT_LT(relative_distance(trained.first_gradient, one.first_gradient), 1e-5) << where;
        }
      }
    }
  }
}

/// What becomes of a training on ranks of so many to a host.
Trained trained_on_hosts(int ranks, int per_host, const PartitionedStore& parts, const Training& training) {
  Trained first;
  const auto body = [&](Communicator& comm) {
    Trained mine = trained(comm, parts, training);
    if (comm.rank() == Rank{0}) first = std::move(mine);
  };
  run_thread_ranks(ranks, body, {}, per_host);
  return first;
}

/// Also where the last host has fewer ranks, and where a host has one.
TEST_P(RoutesOf, BetweenHostsAreTheTrainingByMessages) {
  const std::string model = GetParam();
  const std::vector<std::string> schedules{"sync", "overlap", "stale"};
  std::size_t turn = model.size();
  for (const auto& [ranks, per_host] : std::vector<std::pair<int, int>>{{5, 2}, {7, 3}, {4, 1}}) {
    const PartitionedStore parts = cut(training_graph(), "random", ranks);
    for (const std::string& plan : halo_choices("plan")) {
      HaloProtocol protocol{.plan = plan, .schedule = schedules[turn++ % 3]};
      if (!refusal(protocol, model).empty()) protocol.schedule = "overlap";
      const Trained expected = trained_on_threads(ranks, parts, with(model, protocol, 3));
      for (const std::string route : {"shared-memory", "two-level", "multicast"}) {
        protocol.route = route;
        if (!refusal(protocol, model).empty()) continue;
        const std::string where =
            route + ", " + plan + ", " + protocol.schedule + " on " + std::to_string(ranks);
        const Trained trained = trained_on_hosts(ranks, per_host, parts, with(model, protocol, 3));
        EXPECT_EQ(trained.losses, expected.losses) << where;
        EXPECT_EQ(trained.weights, expected.weights) << where;
      }
    }
  }
}

/// A value of each axis.
using Row = std::vector<std::string>;
const std::vector<Row>& axes() {
  static const std::vector<Row> values{halo_choices("plan"),
                                       routes(),
                                       {"all", "boundary:0.5", "bins:3", "moved:0.3"},
                                       {"fp32", "bf16", "int4", "support", "adaptive:2", "delta:4"},
                                       {"sync", "overlap", "stale"}};
  return values;
}
HaloProtocol protocol_of(const Row& row) {
  HaloProtocol protocol;
  for (std::size_t axis = 0; axis < row.size(); ++axis) protocol.*kHaloAxes[axis].value = row[axis];
  return protocol;
}

using Pair = std::set<std::string>;
std::set<Pair> pairs_of(const Row& row) {
  std::set<Pair> pairs;
  for (std::size_t a = 0; a < row.size(); ++a)
    for (std::size_t b = a + 1; b < row.size(); ++b) pairs.insert({row[a], row[b]});
  return pairs;
}

std::vector<Row> every_row() {
  std::vector<Row> rows{{}};
  for (const Row& values : axes()) {
    std::vector<Row> longer;
    for (const Row& row : rows)
      for (const std::string& value : values) {
        longer.push_back(row);
        longer.back().push_back(value);
      }
    rows = std::move(longer);
  }
  return rows;
}

/// Rows that are allowed, so that every pair of values that any of them has is in one that is chosen:
/// greedily the row with most new pairs.
std::vector<Row> covering_array(const std::string& model, std::set<Pair>& missing) {
  std::vector<Row> allowed;
  std::set<Pair> open;
  for (const Row& row : every_row()) {
    const auto pairs = pairs_of(row);
    missing.insert(pairs.begin(), pairs.end());
    if (!refusal(protocol_of(row), model).empty()) continue;
    allowed.push_back(row);
    open.insert(pairs.begin(), pairs.end());
  }
  for (const Pair& pair : open) missing.erase(pair);
  const auto fresh = [&](const Row& row) {
    const auto pairs = pairs_of(row);
    return std::count_if(pairs.begin(), pairs.end(), [&](const Pair& pair) { return open.contains(pair); });
  };
  std::vector<Row> chosen;
  while (!open.empty()) {
    chosen.push_back(*std::max_element(allowed.begin(), allowed.end(),
                                       [&](const Row& a, const Row& b) { return fresh(a) < fresh(b); }));
    for (const Pair& pair : pairs_of(chosen.back())) open.erase(pair);
  }
  return chosen;
}

TEST(Routes, PairsOfValuesThatMeanNothingAreRefusedAndNoOthers) {
  std::set<Pair> missing, refused;
  covering_array("gin", missing);
  for (const std::string value : {"needed-rows", "partial-aggregates", "cover", "boundary:0.5", "bins:3",
                                  "moved:0.3", "support", "adaptive:2", "delta:4"})
    refused.insert({"broadcast", value});
  for (const std::string value : {"bins:3", "moved:0.3", "stale", "support", "adaptive:2", "delta:4"})
    refused.insert({"ring", value});
  for (const std::string value :
       {"partial-aggregates", "boundary:0.5", "bins:3", "moved:0.3", "support", "adaptive:2", "delta:4"})
    refused.insert({"two-level", value});
  for (const std::string value : {"partial-aggregates", "cover", "boundary:0.5", "bins:3", "moved:0.3",
                                  "support", "adaptive:2", "delta:4"})
    refused.insert({"multicast", value});
  for (const std::string value : {"needed-rows", "partial-aggregates", "cover", "boundary:0.5", "bins:3",
                                  "moved:0.3", "stale", "support", "adaptive:2", "delta:4"})
    refused.insert({"replicated:2", value});
  refused.insert({"shared-memory", "tensor"});
  for (const std::string route : {"broadcast", "multicast", "replicated:2", "ring", "two-level"})
    refused.insert({route, "tensor"});
  for (const std::string route : {"broadcast", "replicated:2", "ring"}) refused.insert({route, "recompute"});
  const std::vector<std::string> special{"broadcast", "multicast",     "replicated:2",
                                         "ring",      "shared-memory", "two-level"};
  for (const Pair& pair : missing)
    EXPECT_EQ(refused.contains(pair), std::any_of(special.begin(), special.end(),
                                                  [&](const auto& route) { return pair.contains(route); }))
        << *pair.begin() << " with " << *pair.rbegin();
  for (const Pair& pair : refused) EXPECT_TRUE(missing.contains(pair)) << *pair.begin() << *pair.rbegin();
}

/// One whose rows are summed, and two of which owners make something else.
class PairsOfValues : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, PairsOfValues, testing::Values("gin", "sage-max", "gatv2"),
                         [](const auto& model) {
                           std::string name = model.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(PairsOfValues, TrainAsByMessages) {
  const std::string model = GetParam();
  std::set<Pair> missing;
  const PartitionedStore parts = cut(training_graph(), "random", 4);
  for (const Row& row : covering_array(model, missing)) {
    HaloProtocol protocol = protocol_of(row);
    const Trained trained = trained_on_threads(4, parts, with(model, protocol, 4));
    const std::string where = explained(protocol);
    protocol.route = "point-to-point";
    const Trained expected = trained_on_threads(4, parts, with(model, protocol, 4));
    if (sums(row[1])) {
      // What lost precision is a row in a ring, and also a sum in groups.
      const double far = row[3] == "fp32" ? 1e-4 : row[1] == "ring" ? 0.02 : 0.1;
      EXPECT_LT(largest_relative_difference(trained.losses, expected.losses), far) << where;
      continue;
    }
    EXPECT_EQ(trained.losses, expected.losses) << where;
    EXPECT_EQ(trained.weights, expected.weights) << where;
  }
}

/// What a ledger counts of the training's exchanges.
std::map<LedgerKey, double> exchanges_in(const std::map<LedgerKey, double>& ledger) {
  std::map<LedgerKey, double> some;
  for (const auto& [key, value] : ledger)
    if (key.name.starts_with("halo.forward.") || key.name.starts_with("halo.backward."))
      some.insert({key, value});
  return some;
}

/// Counted for every rank, direction, layer and peer.
TEST_P(PairsOfValues, SendWhatIsForecast) {
  std::set<Pair> missing;
  const PartitionedStore parts = cut(training_graph(), "random", 4);
  for (const Row& row : covering_array(GetParam(), missing)) {
    const Training training = with(GetParam(), protocol_of(row), 4);
    if (data_decide(training.options.protocol)) continue;
    const ProtocolTraffic said = counted_traffic(parts, training.options, factory_of(training.model));
    run_thread_ranks(4, [&](Communicator& comm) {
      EXPECT_EQ(said.ledgers[static_cast<std::size_t>(comm.rank().value())],
                exchanges_in(trained(comm, parts, training).ledger))
          << explained(training.options.protocol) << comm.rank().value();
    });
  }
}

TEST(Routes, BetweenRanksOfAHostRowsAreNoMessages) {
  for (const bool checksum : {false, true}) {
    for (const std::string route : {"point-to-point", "shared-memory"}) {
      const HaloProtocol protocol{.route = route, .checksum = checksum};
      on_three_ranks(protocol, [&](const ExchangeEnd& end, Communicator& comm) {
        const std::int64_t before = comm.traffic().messages;
        const Matrix arrived = end.fetched(4);
        const Matrix dx = end.returned(Matrix(end.halo, 3, 1.0f), 4);
        EXPECT_EQ(comm.traffic().messages == before, route == "shared-memory") << checksum;
        for (std::int64_t i = 0; i < end.halo; ++i)
          ASSERT_EQ(arrived(i, 3), value_of(end.ids[end.owned + i], 3, 4));
        double sum = 0, rows = static_cast<double>(end.graph.exchange().lists().send_rows.ssize());
        for (std::int64_t i = 0; i < end.owned; ++i) sum += dx(i, 1);
        EXPECT_EQ(sum, rows);
        EXPECT_GT(end.ledger.total("halo.bytes"), 0);
      });
    }
  }
}

TEST(Routes, LateMessagesDoNotDisturbSharedMemory) {
  const PartitionedStore parts = cut(training_graph(), "metis", 4);
  const Trained calm = trained_on_threads(4, parts, with("sage", {.route = "shared-memory"}, 4));
  const Faults faults{.seed = 9, .delay_probability = 0.3, .reorder_probability = 0.3};
  const Trained rough = trained_on_threads(4, parts, with("sage", {.route = "shared-memory"}, 4), faults);
  EXPECT_EQ(rough.losses, calm.losses);
  EXPECT_EQ(rough.weights, calm.weights);
}

/// Five ranks on three hosts: what leaves a host goes by messages, from the same memory.
TEST(Routes, BetweenHostsSharedMemoryBecomesMessagesAndNothingElseChanges) {
  const PartitionedStore parts = cut(training_graph(), "random", 5);
  for (const bool checksum : {false, true}) {
    for (const std::string schedule : {"overlap", "stale"}) {
      HaloProtocol protocol{.schedule = schedule, .checksum = checksum};
      const Trained expected = trained_on_threads(5, parts, with("gcn", protocol, 4));
      protocol.route = "shared-memory";
      run_thread_ranks(
          5,
          [&](Communicator& comm) {
            const Trained some = trained(comm, parts, with("gcn", protocol, 4));
            EXPECT_EQ(some.losses, expected.losses) << schedule << comm.rank().value();
            EXPECT_EQ(some.weights, expected.weights) << schedule << comm.rank().value();
          },
          {}, 2);
    }
  }
}

TEST(Routes, OnlyWhatLeavesAHostIsSent) {
  const PartitionedStore parts = cut(training_graph(), "random", 4);
  run_thread_ranks(
      4,
      [&](Communicator& comm) {
        Ledger ledger;
        const Ownership ownership(parts, 4);
        const OwnedData owned(parts, ownership, comm.rank());
        LocalGraph local({comm, ledger, ownership, owned}, SelfEdges::as_stored, {.route = "shared-memory"});
        const std::int64_t messages = comm.traffic().messages, bytes = comm.traffic().bytes;
        auto flight = local.exchange().start_fetch(Cpu{}, Matrix(local.owned(), 4, 1.0f), 1, 0);
        Matrix halo(local.halo(), 4);
        local.exchange().finish_fetch(Cpu{}, flight, halo);
        std::int64_t leaving = 0;
        for (int peer = 0; peer < 4; ++peer)
          if (peer / 2 != comm.rank().value() / 2) leaving += local.exchange().lists().counts.send[peer];
        EXPECT_EQ(comm.traffic().messages - messages, 2);
        EXPECT_EQ(comm.traffic().bytes - bytes, leaving * 16);
      },
      {}, 2);
}

/// The rows of others' halos, of one exchange: for every host those that any of its ranks needs.
std::int64_t rows_for_hosts(const HaloLists& lists, int self, int per_host) {
  std::map<int, std::set<std::int32_t>> rows;
  std::int64_t place = 0;
  for (int peer = 0; peer < std::ssize(lists.counts.send); ++peer)
    for (std::int64_t i = 0; i < lists.counts.send[peer]; ++i, ++place)
      if (peer / per_host != self / per_host) rows[peer / per_host].insert(lists.send_rows[place]);
  std::int64_t count = 0;
  for (const auto& [host, some] : rows) count += std::ssize(some);
  return count;
}

TEST(Routes, ByTwoLevelsARowCrossesToAHostOnce) {
  const PartitionedStore parts = cut(training_graph(), "random", 7);
  run_thread_ranks(
      7,
      [&](Communicator& comm) {
        Ledger ledger;
        const Ownership ownership(parts, 7);
        const OwnedData owned(parts, ownership, comm.rank());
        LocalGraph local({comm, ledger, ownership, owned}, SelfEdges::as_stored, {.route = "two-level"});
        const ExchangeEnd end{local, ledger, local.owned(), local.halo(), local.store_ids()};
        end.fetched(1);  // the first one also agrees what is shared
        const std::int64_t bytes = comm.traffic().bytes;
        const Matrix arrived = end.fetched(2);
        const HaloLists& lists = local.exchange().lists();
        const std::int64_t rows = rows_for_hosts(lists, comm.rank().value(), 3);
        EXPECT_EQ(comm.traffic().bytes - bytes, rows * kWidth * 4);
        std::int64_t needed = 0;
        for (int peer = 0; peer < 7; ++peer)
          if (peer / 3 != comm.rank().value() / 3) needed += lists.counts.send[peer];
        EXPECT_LT(rows, needed);
        for (std::int64_t i = 0; i < end.halo; ++i)
          ASSERT_EQ(arrived(i, 3), value_of(end.ids[end.owned + i], 3, 2));
      },
      {}, 3);
}

/// Of three hosts, by their links.
TEST(Routes, OverTreesFewerRowsLeaveAHost) {
  const PartitionedStore parts = cut(training_graph(), "random", 6);
  const auto leaving = [&](const std::string& route) {
    const Training training = with("gcn", {.route = route}, 1);
    const ProtocolTraffic counted = counted_traffic(parts, training.options, factory_of(training.model), 2);
    double rows = 0;
    for (std::size_t rank = 0; rank < counted.ledgers.size(); ++rank)
      for (const auto& [key, value] : counted.ledgers[rank])
        if (key.name == "halo.forward.rows" && key.peer / 2 != static_cast<int>(rank) / 2) rows += value;
    return rows;
  };
  EXPECT_LT(leaving("multicast"), 0.9 * leaving("point-to-point"));
  EXPECT_GE(leaving("multicast"), leaving("two-level"));
}

/// A source's row that a cover sends to several ranks of a host is one row, too; a sum is one rank's.
TEST(Routes, ByTwoLevelsACoverSendsFewerBytesBetweenHosts) {
  const PartitionedStore parts = cut(training_graph(), "random", 6);
  for (const std::string model : {"gcn", "gat"}) {
    std::map<std::string, std::int64_t> bytes;
    std::mutex mutex;
    for (const std::string route : {"shared-memory", "two-level"}) {
      run_thread_ranks(
          6,
          [&](Communicator& comm) {
            const Training training = with(model, {.plan = "cover", .route = route}, 1);
            trained(comm, parts, training);
            const std::int64_t one = comm.traffic().bytes;
            Training more = training;
            more.options.epochs = 3;
            trained(comm, parts, more);
            const std::lock_guard lock(mutex);
            bytes[route] += comm.traffic().bytes - 2 * one;  // without what both send once
          },
          {}, 3);
    }
    EXPECT_GT(bytes["two-level"], 0) << model;
    EXPECT_LT(bytes["two-level"], bytes["shared-memory"]) << model;
  }
}

TEST(Routes, BetweenHostsWhatIsCountedIsForecast) {
  const PartitionedStore parts = cut(training_graph(), "random", 5);
  for (const std::string model : {"gin", "gatv2"}) {
    for (const auto& [route, plan] :
         std::vector<std::pair<std::string, std::string>>{{"two-level", "halo-rows"},
                                                          {"two-level", "needed-rows"},
                                                          {"two-level", "cover"},
                                                          {"multicast", "halo-rows"},
                                                          {"multicast", "needed-rows"}}) {
      const Training training = with(model, {.plan = plan, .route = route}, 2);
      const ProtocolTraffic said = counted_traffic(parts, training.options, factory_of(training.model), 2);
      const ProtocolTraffic one_host = counted_traffic(parts, training.options, factory_of(training.model));
      const std::string where = model + ", " + route + ", " + plan;
      EXPECT_NE(said.ledgers, one_host.ledgers) << where;
      run_thread_ranks(
          5,
          [&](Communicator& comm) {
            EXPECT_EQ(said.ledgers[static_cast<std::size_t>(comm.rank().value())],
                      exchanges_in(trained(comm, parts, training).ledger))
                << where << ", rank " << comm.rank().value();
          },
          {}, 2);
    }
  }
}

TEST(Routes, ARankThatFailsEndsItsReaders) {
  try {
    on_three_ranks({.route = "shared-memory"}, [](const ExchangeEnd& end, Communicator& comm) {
      end.fetched(0);
      if (comm.rank() == Rank(1)) throw InputError("rank 1 has enough");
      for (std::uint32_t step = 1; step < 4; ++step) end.fetched(step);
    });
    FAIL() << "must end";
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "rank 1 has enough");
  }
}

double sum_of(const std::vector<std::map<LedgerKey, double>>& ledgers, const std::string& name, int layer) {
  double sum = 0;
  for (const auto& entries : ledgers)
    for (const auto& [key, value] : entries)
      if (key.name == name && key.layer == layer) sum += value;
  return sum;
}

/// The reference of `kith bench protocols` also broadcasts the features in every epoch, as its exchange 1.
TEST(Routes, ABroadcastSendsWhatItsReferenceCounts) {
  for (const std::string model : {"gcn", "gat"}) {
    for (const std::string method : {"random", "metis"}) {
      const PartitionedStore parts = cut(training_graph(), method, 4);
      const Training training = with(model, protocol_named("cagnet-1d"), 3);
      const auto make = factory_of(training.model);
      const ProtocolTraffic reference =
          reference_traffic(parts, training.options, make, Reference::broadcast);
      const ProtocolTraffic counted = counted_traffic(parts, training.options, make);
      for (const std::string what : {"rows", "payload_bytes", "messages"}) {
        for (const std::string direction : {"halo.forward.", "halo.backward."}) {
          for (const int layer : {1, 2}) {
            const double said = sum_of(reference.ledgers, direction + what, layer + 1);
            EXPECT_GT(said, 0);
            EXPECT_EQ(sum_of(counted.ledgers, direction + what, layer), said) << direction << what << layer;
          }
        }
      }
      EXPECT_EQ(sum_of(counted.ledgers, "halo.forward.skipped_rows", 1), 0);
    }
  }
}

/// The most rows of others that any rank of a training has anywhere: on the wire, decoded, made for the wire.
double most_rows_alive(const PartitionedStore& parts, const Training& training) {
  std::mutex mutex;
  double most = 0;
  run_thread_ranks(parts.k(), [&](Communicator& comm) {
    const Trained some = trained(comm, parts, training);
    const std::lock_guard lock(mutex);
    most = std::max(most, some.ledger.at({"halo.most_rows_alive", -1, -1}));
  });
  return most;
}

/// The halo of the largest rank, and the largest piece of it that one other rank has.
std::pair<double, double> largest_halo(const PartitionedStore& parts) {
  std::mutex mutex;
  double halo = 0, piece = 0;
  run_thread_ranks(parts.k(), [&](Communicator& comm) {
    Ledger ledger;
    const Ownership ownership(parts, comm.size());
    const OwnedData owned(parts, ownership, comm.rank());
    const LocalGraph local({comm, ledger, ownership, owned}, SelfEdges::as_stored, {});
    const HaloLists& lists = local.exchange().lists();
    const std::lock_guard lock(mutex);
    halo = std::max(halo, static_cast<double>(lists.halo));
    for (const auto& counts : {lists.counts.send, lists.counts.receive})
      for (const std::int64_t rows : counts) piece = std::max(piece, static_cast<double>(rows));
  });
  return {halo, piece};
}

/// Of others' rows three parts' at most are anywhere at once, in all layers and both directions, where
/// messages would bring all of them. Attention fetches them again in the backward pass.
TEST(Routes, ARingKeepsThreePartsRowsAliveAtMost) {
  const std::vector<std::pair<std::string, std::string>> cases{{"gcn", "halo-rows"},
                                                               {"gcn", "needed-rows"},
                                                               {"gcn", "cover"},
                                                               {"gat", "halo-rows"},
                                                               {"gatv2", "needed-rows"}};
  for (const int ranks : {4, 8}) {
    const PartitionedStore parts = cut(training_graph(), "random", ranks);
    const auto [halo, piece] = largest_halo(parts);
    for (const auto& [model, plan] : cases) {
      for (const std::string schedule : {"sync", "overlap"}) {
        const HaloProtocol protocol{.plan = plan, .route = "ring", .schedule = schedule};
        const double most = most_rows_alive(parts, with(model, protocol, 1));
        EXPECT_GT(most, 0);
        EXPECT_LE(most, 3 * piece) << model << ", " << plan << ", " << schedule << " on " << ranks;
      }
    }
    if (ranks == 8) {
      EXPECT_LT(3 * piece, halo);
      EXPECT_GT(most_rows_alive(parts, with("gcn", {}, 1)), halo) << "by messages";
    }
  }
}

/// Attention in rounds fetches its rows twice and nothing else: that of a forward pass once more.
TEST(Routes, InRoundsAttentionFetchesItsRowsTwice) {
  const PartitionedStore parts = cut(training_graph(), "random", 4);
  for (const std::string model : {"gat", "gatv2"}) {
    const Training ring = with(model, {.route = "ring"}, 2), messages = with(model, {}, 2);
    const ProtocolTraffic said = counted_traffic(parts, ring.options, factory_of(ring.model));
    const ProtocolTraffic once = counted_traffic(parts, messages.options, factory_of(messages.model));
    for (const std::string what : {"rows", "payload_bytes", "messages"}) {
      EXPECT_EQ(sum_of(said.ledgers, "halo.forward." + what, 1),
                2 * sum_of(once.ledgers, "halo.forward." + what, 1));
      EXPECT_EQ(sum_of(said.ledgers, "halo.backward." + what, 1),
                sum_of(once.ledgers, "halo.backward." + what, 1));
    }
    run_thread_ranks(4, [&](Communicator& comm) {
      EXPECT_EQ(said.ledgers[static_cast<std::size_t>(comm.rank().value())],
                exchanges_in(trained(comm, parts, ring).ledger))
          << model << comm.rank().value();
    });
  }
}

/// A sum's memory for others' rows is that of the rows that cross.
TEST(Routes, BoundarySamplingKeepsAsManyRowsAsItDraws) {
  const PartitionedStore parts = cut(training_graph(), "random", 4);
  for (const auto& [model, plan] : std::vector<std::pair<std::string, std::string>>{
           {"gcn", "halo-rows"}, {"sage", "halo-rows"}, {"gin", "cover"}}) {
    const auto most = [&, name = model, by = plan](const std::string& select) {
      return most_rows_alive(parts, with(name, {.plan = by, .select = select}, 4));
    };
    const double all = most("all");
    for (const double p : {0.2, 0.5}) {
      const double some = most("boundary:" + std::to_string(p));
      EXPECT_GT(some, 0.75 * p * all) << model << ", " << plan;
      EXPECT_LT(some, 1.35 * p * all) << model << ", " << plan;
    }
  }
}

/// By sums of any model that has them, any parts, and groups of two and three.
TEST(Routes, GroupsThatSumForOneAnotherTrainAsOneRank) {
  for (const std::string model : {"gcn", "sage", "gin"}) {
    const Trained one = trained_on_threads(1, cut(training_graph(), "range", 1), full_graph_training(model));
    std::size_t turn = model.size();
    for (const auto& [ranks, copies] : std::vector<std::pair<int, int>>{{4, 2}, {8, 2}, {9, 3}}) {
      const std::string schedule = ++turn % 2 == 0 ? "sync" : "overlap";
      const HaloProtocol protocol{.route = "replicated:" + std::to_string(copies), .schedule = schedule};
      for (const std::string method : {"random", "metis"}) {
        const Trained trained =
            trained_on_threads(ranks, cut(training_graph(), method, ranks), with(model, protocol, 10));
        const std::string where = model + ", " + method + " on " + std::to_string(ranks) + ", " + schedule;
        EXPECT_LT(largest_relative_difference(trained.losses, one.losses), 1e-4) << where;
        EXPECT_LT(relative_distance(trained.first_gradient, one.first_gradient), 1e-5) << where;
      }
    }
  }
}

/// A rank's rows go to one rank of every group, itself perhaps, and a sum for each row comes from every other
/// rank of the group: (P / c) n + (c − 1) n without what stays.
TEST(Routes, InGroupsRowsGoToOneRankOfEachAndSumsComeBack) {
  const PartitionedStore parts = cut(training_graph(), "random", 8);
  const Training training = with("gcn", protocol_named("cagnet-1.5d:c=2"), 2);
  const ProtocolTraffic counted = counted_traffic(parts, training.options, factory_of(training.model));
  const Ownership ownership(parts, 8);
  double rows = 0;
  for (int rank = 0; rank < 8; ++rank) {
    const std::int64_t owned = ownership.end(Rank(rank)) - ownership.first(Rank(rank));
    const int group = rank / 2;
    const bool sums_itself = group * 2 + group % 2 == rank;
    rows += static_cast<double>(owned * (4 - (sums_itself ? 1 : 0) + 1));
  }
  for (const std::string direction : {"halo.forward.rows", "halo.backward.rows"})
    for (const int layer : {1, 2}) EXPECT_EQ(sum_of(counted.ledgers, direction, layer), 2 * rows);
}

TEST(Routes, WhatMeansNothingIsRefusedWithTheReason) {
  EXPECT_NE(refusal({.plan = "cover", .route = "broadcast"}, "gcn").find("nothing to leave out"),
            std::string::npos);
  EXPECT_NE(refusal({.route = "broadcast", .select = "boundary:0.5"}, "gcn").find("nothing is selected"),
            std::string::npos);
  EXPECT_NE(refusal({.route = "broadcast", .checksum = true}, "gcn").find("one length"), std::string::npos);
  EXPECT_NE(refusal({.route = "ring", .schedule = "stale"}, "gcn").find("drops rows"), std::string::npos);
  EXPECT_NE(refusal({.route = "ring", .encode = "support"}, "gcn").find("one length"), std::string::npos);
  EXPECT_NE(refusal({.route = "ring"}, "sage-max").find("ask for them again"), std::string::npos);
  for (const std::string model : {"gat", "gatv2"}) {
    EXPECT_EQ(refusal({.route = "ring"}, model), "") << model;
    EXPECT_NE(refusal({.plan = "cover", .route = "ring"}, model).find("would not drop"), std::string::npos);
  }
  EXPECT_NE(refusal({.plan = "cover", .route = "replicated:2"}, "gcn").find("nothing to leave out"),
            std::string::npos);
  EXPECT_NE(refusal({.route = "replicated:2"}, "gat").find("sum for their groups"), std::string::npos);
  EXPECT_NE(refusal({.route = "replicated"}, "gcn").find("behind a colon"), std::string::npos);
  EXPECT_NE(refusal({.route = "ringed"}, "gcn").find("ring"), std::string::npos);
  EXPECT_NE(refusal({.plan = "partial-aggregates", .route = "two-level"}, "gcn").find("one rank needs"),
            std::string::npos);
  for (const auto& [ranks, route] :
       std::vector<std::pair<int, std::string>>{{3, "replicated:2"}, {4, "replicated:4"}})
    EXPECT_THROW(
        trained_on_threads(ranks, cut(training_graph(), "random", ranks), with("gcn", {.route = route})),
        InputError);
  EXPECT_EQ(refusal({.route = "ring", .select = "boundary:0.5"}, "gcn"), "");
  EXPECT_EQ(refusal({.route = "shared-memory", .select = "moved:0.1", .schedule = "stale"}, "gat"), "");
}

}  // namespace
}  // namespace kith::test
