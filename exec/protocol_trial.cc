#include "kith/exec/protocol_trial.h"

#include <algorithm>

#include "kith/comm/world.h"
#include "kith/exec/evaluation.h"
#include "kith/exec/halo/forecast.h"
#include "kith/exec/halo/protocol.h"
#include "kith/exec/trainer.h"

namespace kith {
namespace {

using Entries = std::map<LedgerKey, double>;

bool of_training(const std::string& counter) {
  return counter.starts_with("halo.forward.") || counter.starts_with("halo.backward.");
}

double sum_of(const Entries& entries, const std::string& name, int layer = -1) {
  double sum = 0;
  for (const auto& [key, value] : entries)
    if (key.name == name && (layer < 0 || key.layer == layer)) sum += value;
  return sum;
}

Entries training_entries(const Entries& all) {
  Entries kept;
  for (const auto& [key, value] : all)
    if (of_training(key.name)) kept.insert({key, value});
  return kept;
}

/// work(communicator, ledger) on a rank for every part; the training's counts of each.
template <class Work>
ProtocolTraffic on_a_rank_for_each_part(const PartitionedStore& parts, std::int64_t epochs,
                                        int ranks_per_host, Work&& work) {
  ProtocolTraffic traffic{.parts = parts.k(), .epochs = epochs};
  std::vector<Entries> all(static_cast<std::size_t>(parts.k()));
  const auto body = [&](Communicator& comm) {
    Ledger ledger;
    work(comm, ledger);
    all[static_cast<std::size_t>(comm.rank().value())] = ledger.entries();
  };
  run_thread_ranks(parts.k(), body, {}, ranks_per_host);
  for (const Entries& entries : all) {
    traffic.ledgers.push_back(training_entries(entries));
    traffic.one_time_bytes += sum_of(entries, "setup.bytes") + sum_of(entries, "halo.bytes", 0);
  }
  return traffic;
}

/// One rank's share of the data and its lists.
struct Share {
  Share(Communicator& comm, Ledger& ledger, const PartitionedStore& parts, SelfEdges self_edges,
        const HaloProtocol& protocol)
      : ownership(parts, comm.size()),
        owned(parts, ownership, comm.rank()),
        graph({comm, ledger, ownership, owned}, self_edges, protocol) {}
  std::span<const std::int32_t> train_rows() const { return owned.split[static_cast<int>(Split::train)]; }

  Ownership ownership;
  OwnedData owned;
  LocalGraph graph;
};

/// Every row of this rank to every other rank, once for each of these exchanges.
void count_broadcasts(Communicator& comm, std::int64_t owned, const std::vector<StepExchange>& exchanges,
                      std::uint32_t steps, Ledger& ledger) {
  for (const StepExchange& each : exchanges) {
    const std::string prefix = each.backward ? "halo.backward." : "halo.forward.";
    for (int peer = 0; peer < comm.size(); ++peer) {
      if (peer == comm.rank().value()) continue;
      const auto add = [&](const char* what, std::int64_t amount) {
        ledger.add({prefix + what, each.layer, peer}, static_cast<double>(amount * steps));
      };
      add("rows", owned);
      add("payload_bytes", owned * each.cols * 4);
      add("messages", 1);
    }
  }
}

}  // namespace

double ProtocolTraffic::per_epoch(const std::string& what) const {
  double sum = 0;
  for (const Entries& entries : ledgers)
    sum += sum_of(entries, "halo.forward." + what) + sum_of(entries, "halo.backward." + what);
  return epochs > 0 ? sum / static_cast<double>(epochs) : 0;
}

ProtocolTraffic counted_traffic(const PartitionedStore& parts, const TrainOptions& options,
                                const ModelFactory& make, int ranks_per_host) {
  const StoreMeta& meta = parts.meta().store;
  Parameters parameters(0);
  const auto model = make(parameters, meta.features, meta.classes);
  check_protocol(options.protocol, *model);
  const auto exchanges = exchanges_of_a_step(meta, options.protocol, make);
  const auto count = [&](Communicator& comm, Ledger& ledger) {
    Share share(comm, ledger, parts, model->self_edges(), options.protocol);
    share.graph.train_only(share.train_rows(), model->one_exchange_a_layer() ? model->layers() : 0,
                           exchanges);
    if (model->sums_input()) share.graph.sum_input();
    forecast(share.graph.exchange(), exchanges, static_cast<std::uint32_t>(options.epochs), ledger);
    ledger.add({"halo.bytes", 0, -1}, static_cast<double>(one_time_feature_bytes(share.graph, share.owned)));
  };
  return on_a_rank_for_each_part(parts, options.epochs, ranks_per_host, count);
}

ProtocolTraffic reference_traffic(const PartitionedStore& parts, const TrainOptions& options,
                                  const ModelFactory& make, Reference reference) {
  const StoreMeta& meta = parts.meta().store;
  Parameters parameters(0);
  const SelfEdges self_edges = make(parameters, meta.features, meta.classes)->self_edges();
  const auto exchanges = exchanges_of_a_step(meta, {}, make, LayerZero::exchanged);
  const auto steps = static_cast<std::uint32_t>(options.epochs);
  ProtocolTraffic traffic =
      on_a_rank_for_each_part(parts, options.epochs, 0, [&](Communicator& comm, Ledger& ledger) {
        if (reference == Reference::broadcast) {
          const Ownership ownership(parts, comm.size());
          const std::int64_t owned = ownership.end(comm.rank()) - ownership.first(comm.rank());
          return count_broadcasts(comm, owned, exchanges, steps, ledger);
        }
        Share share(comm, ledger, parts, self_edges, {});
        forecast(share.graph.exchange(), exchanges, steps, ledger);
      });
  traffic.one_time_bytes = 0;
  return traffic;
}

ProtocolTrial trained_trial(const PartitionedStore& parts, const TrainOptions& options,
                            const ModelFactory& make, int ranks_per_host) {
  ProtocolTrial trial;
  std::int64_t epochs = 0;
  const Metric metric = metric_for(options.metric, parts.meta().store);
  const auto train = [&](Communicator& comm, Ledger& ledger) {
    Parameters parameters(options.seed);
    const auto model = make(parameters, parts.meta().store.features, parts.meta().store.classes);
    TrainingState state(parameters, options.optimiser);
    Share share(comm, ledger, parts, model->self_edges(), options.protocol);
    if (model->sums_input()) share.graph.sum_input();
    const Matrix features = share.graph.fetch_features(options.on);
    const TrainingContext context{comm,        ledger, options,    parts, share.ownership,
                                  share.owned, *model, parameters, state};
    const auto trainer = full_graph_trainer(context, share.graph, features);
    const auto stops = [&] {
      return options.patience > 0 && state.best.has(static_cast<int>(Split::valid)) &&
             state.epoch - state.best_epoch >= options.patience;
    };
    while (state.epoch < options.epochs && !stops()) {
      trainer->run_epoch();
      if (++state.epoch % options.eval_every != 0 && state.epoch != options.epochs) continue;
      const Evaluation evaluation =
          evaluate(options.on, comm, *model, share.graph, features, share.owned, metric);
      if (state.best_epoch > 0 && !better(evaluation, state.best)) continue;
      state.best = evaluation;
      state.best_epoch = state.epoch;
    }
    if (comm.rank() != Rank{0}) return;
    trial.best = state.best;
    trial.best_epoch = state.best_epoch;
    epochs = state.epoch;
  };
  trial.traffic = on_a_rank_for_each_part(parts, options.epochs, ranks_per_host, train);
  trial.traffic.epochs = epochs;
  return trial;
}

}  // namespace kith
