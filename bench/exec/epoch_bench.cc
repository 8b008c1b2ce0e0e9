// Seconds of one training epoch of two- and three-layer GraphSAGE and GCN on a planted graph, one rank, all
// threads; the second argument of every benchmark is the hidden width. Two ranks are measured by `kith
// train`, whose summary.json has the median of its epochs.
#include <filesystem>
#include <optional>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "kith/comm/world.h"
#include "kith/datasets/generate/planted.h"
#include "kith/datasets/import/split_spec.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/datasets/prepare.h"
#include "kith/exec/trainer.h"

namespace kith {
namespace {

constexpr std::int64_t kNodes = 100'000;

/// The planted graph on disk, for the life of the program.
class Data {
 public:
  Data()
      : folder_(std::filesystem::temp_directory_path() / ("kith-epoch-bench-" + std::to_string(getpid()))) {
    PlantedOptions options;
    options.nodes = kNodes;
    options.degree = 25;
    options.features = 128;
    options.classes = 16;
    options.communities = 32;
    options.split = parse_split("random:0.2/0.1/0.7");
    std::filesystem::create_directories(folder_);
    write_dataset(planted(options), folder_ / "store", {});
    parts_.emplace(open_data(folder_ / "store"));
  }
  ~Data() {
    parts_.reset();
    std::filesystem::remove_all(folder_);
  }
  const PartitionedStore& parts() const { return *parts_; }

 private:
  std::filesystem::path folder_;
  std::optional<PartitionedStore> parts_;
};

const PartitionedStore& data() {
  static const Data made;
  return made.parts();
}

/// Times the epochs of one rank.
void run_epochs(benchmark::State& state, const TrainOptions& options, const ModelOptions& shape) {
  run_thread_ranks(1, [&](Communicator& comm) {
    const PartitionedStore& parts = data();
    Ledger ledger;
    const Ownership ownership(parts, 1);
    const OwnedData owned(parts, ownership, Rank{0});
    Parameters parameters(1);
    ModelOptions sized = shape;
    sized.in = parts.meta().store.features;
    sized.classes = parts.meta().store.classes;
    const auto model = make_model(parameters, sized);
    TrainingState training(parameters, options.optimiser);
    LocalGraph graph({comm, ledger, ownership, owned}, model->self_edges(), options.protocol);
    const Matrix features = graph.fetch_features(options.on);
    const TrainingContext context{comm,  ledger, options,    parts,   ownership,
                                  owned, *model, parameters, training};
    const auto trainer = options.regime == Regime::full_graph ? full_graph_trainer(context, graph, features)
                                                              : mini_batch_trainer(context);
    trainer->run_epoch();
    for (auto _ : state) benchmark::DoNotOptimize(trainer->run_epoch());
  });
}

void full_graph(benchmark::State& state, const char* model) {
  TrainOptions options;
  run_epochs(state, options, {.name = model, .layers = 3, .hidden = state.range(0)});
}

void mini_batch(benchmark::State& state) {
  TrainOptions options;
  options.regime = Regime::mini_batch;
  options.epochs = 1 << 20;
  run_epochs(state, options, {.name = "sage", .layers = 3, .hidden = state.range(0)});
}

BENCHMARK_CAPTURE(full_graph, gcn, "gcn")->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(full_graph, sage, "sage")->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(mini_batch)->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace kith
