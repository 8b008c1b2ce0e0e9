// The arrays of loading are listed here in the order in which they are made; everything from the first
// forward pass on is the engine's own code.
#include "kith/exec/memory_estimate.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>

#include "kith/core/buffer_trace.h"
#include "kith/core/host.h"
#include "kith/core/rehearsal.h"
#include "kith/exec/batch_graphs.h"
#include "kith/exec/halo/halo_exchange.h"
#include "kith/exec/halo/message_transfer.h"
#include "kith/exec/training_state.h"
#include "kith/sampler/cache.h"
#include "kith/sampler/packed_rows.h"

namespace kith {
namespace {

constexpr std::int64_t kId = sizeof(std::int64_t);

using Room = Array<std::byte>;
Room room(std::int64_t bytes) { return Room(static_cast<std::size_t>(bytes)); }

Csr32 rehearsed_csr(std::int64_t rows, std::int64_t entries) {
  Csr32 csr{Array<std::int64_t>(static_cast<std::size_t>(rows) + 1),
            Array<std::int32_t>(static_cast<std::size_t>(entries))};
  csr.indptr.back() = entries;
  return csr;
}

/// Of groups of how many ranks one sums for all; 1: every rank for itself.
std::int64_t copies_of(const std::string& route) {
  const std::string name = "replicated:";
  return route.starts_with(name) ? std::max<std::int64_t>(1, std::stoll(route.substr(name.size()))) : 1;
}

RehearsedRoute::Everybody everybody(const RunShape& shape, const std::string& route) {
  const std::int64_t copies = copies_of(route);
  if (copies == 1 && route != "broadcast") return {};
  const std::int64_t receivers = shape.ranks / copies;
  return {.heard = shape.data.nodes / copies,
          .copies = route == "broadcast" ? 1 : receivers,
          .returned = receivers};
}

/// What LocalGraph makes.
class RehearsedGraph {
 public:
  RehearsedGraph(const RunShape& shape, const Model& model, const HaloProtocol& protocol) {
    const SelfEdges self_edges = model.self_edges();
    const MemoryUse use(MemoryKind::graph);
    const RankShape& rank = shape.rank;
    const auto rows = static_cast<std::size_t>(rank.owned + rank.halo);
    Rehearsal::current()->pass_through(rank.part_halo * kId);
    halo_nodes_ = room(rank.halo * kId);
    const std::int64_t kept = rank.edges - (self_edges == SelfEdges::as_stored ? 0 : rank.self_loops);
    csr_ = rehearsed_csr(rank.owned, kept + (self_edges == SelfEdges::explicit_edges ? rank.owned : 0));
    HaloLists lists{.owned = rank.owned, .halo = rank.halo};
    lists.send_rows = Array<std::int32_t>(static_cast<std::size_t>(rank.sent_rows));
    if (shape.ranks > 1)
      exchange_ =
          std::make_unique<HaloExchange>(std::make_unique<RehearsedRoute>(everybody(shape, protocol.route)),
                                         ledger_, std::move(lists), protocol);
    const bool in_groups = copies_of(protocol.route) > 1;
    if (shape.ranks > 1 && (in_groups || make_plan(protocol.plan)->cover() != nullptr))
      plan_reductions(rank, model, in_groups ? 1 : std::max(1, model.layers() - 1));
    if (shape.ranks > 1 && make_plan(protocol.plan)->splits_columns()) hold_whole_graph(shape.data);
    facts(rank);
    store_ids_ = Array<StoreId>(rows);
    degrees_ = Array<std::int64_t>(rows);
    graph_.emplace(LayerGraph::Arrays{.csr = csr_,
                                      .sources = rank.owned + rank.halo,
                                      .store_ids = store_ids_,
                                      .degrees = degrees_,
                                      .self_edges = self_edges,
                                      .halo = exchange_.get()});
  }
  LayerGraph& layer_graph() { return *graph_; }

 private:
  /// At most: every edge with its transpose, and of those that others want as many again; where these are no
  /// sums, also where each stood before, in the row and in the transpose.
  void plan_reductions(const RankShape& rank, const Model& model, int exchanges) {
    const std::int64_t rows = 2 * rank.owned + rank.halo + rank.sent_rows;
    constexpr std::int64_t kIndex = sizeof(std::int32_t);
    const std::int64_t edge = model.sums_neighbours() ? 4 * kIndex : 6 * kIndex + 2 * kId;
    plans_ = room(exchanges * (2 * kId * rows + edge * csr_.m()));
  }
  /// Ids, edges, and these transposed.
  void hold_whole_graph(const DataShape& data) {
    constexpr std::int64_t kIndex = sizeof(std::int32_t);
    plans_ = room(3 * kId * data.nodes + 2 * kIndex * data.edges);
  }
  static void facts(const RankShape& rank) {
    const Room facts = room((rank.owned + rank.halo) * 2 * kId);
    const Room sent = room(rank.sent_rows * 2 * kId), arrived = room(rank.halo * 2 * kId);
  }

  Ledger ledger_;
  Room halo_nodes_, plans_;
  Csr32 csr_;
  Array<StoreId> store_ids_;
  Array<std::int64_t> degrees_;
  std::unique_ptr<HaloExchange> exchange_;
  std::optional<LayerGraph> graph_;
};

Matrix room_on(const Backend& on, std::int64_t rows, std::int64_t cols) {
  const UseMemory there(memory_of(on));
  return Matrix(rows, cols);
}

void enter(BufferTrace::Phase phase) {
  if (BufferTrace* trace = BufferTrace::current()) trace->enter(phase);
}

/// What LocalGraph::fetch_features makes.
Matrix rehearsed_features(const RunShape& shape, const Backend& on) {
  const MemoryUse use(MemoryKind::features);
  const RankShape& rank = shape.rank;
  Matrix features = room_on(on, rank.owned + rank.halo, shape.data.features);
  const MemoryUse fetching(MemoryKind::halo);
  const std::int64_t row_bytes = shape.data.feature_row_bytes + (shape.data.scaled_rows ? 4 : 0);
  Room arrived;
  {
    const Room sent = room(rank.sent_rows * row_bytes);
    arrived = room(rank.halo * row_bytes);
  }
  const Room rows = room(rank.halo * shape.data.feature_row_bytes);
  return features;
}

/// A batch with the arrays that the sampler and the feature store give it.
Batch rehearsed_batch(const RunShape& shape) {
  const MemoryUse use(MemoryKind::batches);
  const auto nodes = static_cast<std::size_t>(shape.batch.nodes());
  Batch batch;
  for (const BatchShape::BlockShape& block : shape.batch.blocks)
    batch.blocks.push_back({rehearsed_csr(block.destinations, block.edges), block.sources});
  batch.nodes = Array<GlobalId>(nodes);
  batch.store_ids = Array<StoreId>(nodes);
  batch.degrees = Array<std::int64_t>(nodes);
  const auto seeds = static_cast<std::size_t>(batch.seeds());
  batch.labels = Array<std::int64_t>(seeds);
  batch.features = Matrix(shape.batch.nodes(), shape.data.features);
  return batch;
}

class RehearsedRun {
 public:
  RehearsedRun(const RunShape& shape, const TrainOptions& options, const ModelFactory& make)
      : shape_(shape), options_(options), parameters_(options.seed) {
    own_data();
    const MemoryUse use(MemoryKind::parameters);
    model_ = make(parameters_, shape.data.features, shape.data.classes);
    state_.emplace(parameters_, options.optimiser);
    best_weights_ = room(parameters_.elements() * 4);
    const MemoryUse summed(MemoryKind::gradients);
    gradients_.emplace(parameters_);
  }

  void run() {
    graph_.emplace(shape_, *model_, options_.protocol);
    features_ = rehearsed_features(shape_, options_.on);
    if (options_.regime == Regime::full_graph) {
      graph_->layer_graph().keep_aggregates_of(features_);
      full_graph_epochs();
    } else {
      mini_batch_epochs();
    }
  }

 private:
  // Twice, since the second finds the blocks of the first.
  static constexpr int kEpochs = 2;

  void own_data() {
    const MemoryUse use(MemoryKind::graph);
    const RankShape& rank = shape_.rank;
    owned_.push_back(room(rank.owned * kId));
    owned_.push_back(room(rank.owned * (shape_.data.multi_label ? shape_.data.classes * 4 : kId)));
    Rehearsal::current()->pass_through(rank.split * 4);
    owned_.push_back(room(rank.split * 4));
  }

  void full_graph_epochs() {
    for (int epoch = 0; epoch < kEpochs; ++epoch) {
      step(LayerGraphs(graph_->layer_graph(), model_->layers()), features_);
      evaluate();
    }
  }

  void mini_batch_epochs() {
    start_sampling();
    if (shape_.batch.blocks.empty()) return;  // nobody trains
    std::deque<Batch> ready;
    for (int b = 0; b < options_.prefetch; ++b) ready.push_back(rehearsed_batch(shape_));
    for (int epoch = 0; epoch < kEpochs; ++epoch) {
      ready.push_back(rehearsed_batch(shape_));
      {
        const auto arriving = fetched();
        Batch batch = std::move(ready.front());
        ready.pop_front();
        const BatchGraphs graphs(batch, model_->self_edges(), shape_.ranks);
        step(graphs.layers(), batch.features);
      }
      evaluate();
    }
  }

  /// What the sampler, the cache and the schedule keep.
  void start_sampling() {
    const DataShape& data = shape_.data;
    const MemoryUse use(MemoryKind::batches);
    sampler_.push_back(room(data.train * 3 * kId));
    if (options_.topology != "partitioned" && PackedRows::affordable(data.nodes, data.edges))
      sampler_.push_back(room(PackedRows::bytes(data.nodes, data.edges)));
    if (data.nodes * 4 <= memory_available_bytes() / 8) sampler_.push_back(room(data.nodes * 4));
    const CacheSpec spec = parse_cache_spec(options_.cache);
    const std::int64_t remote = data.nodes - shape_.rank.owned;
    const std::int64_t rows =
        std::min(remote, cache_rows(spec, data.nodes, shape_.ranks, data.feature_row_bytes));
    const MemoryUse caching(MemoryKind::cache);
    if (rows > 0) Rehearsal::current()->pass_through(2 * data.nodes * kId + 2 * remote * kId);
    sampler_.push_back(room(rows * (data.feature_row_bytes + (data.scaled_rows ? 4 : 0)) + data.nodes / 4));
  }

  /// Remote rows of a batch on their way, here and to others: as many, by and large.
  std::vector<Room> fetched() const {
    const MemoryUse use(MemoryKind::halo);
    std::vector<Room> rows;
    for (int direction = 0; direction < 2; ++direction)
      rows.push_back(room(shape_.batch.remote * shape_.data.feature_row_bytes));
    return rows;
  }

  void step(const LayerGraphs& graphs, ConstTensor features) {
    enter(BufferTrace::Phase::step);
    const UseMemory there(memory_of(options_.on));
    Tape tape({.on = options_.on, .mode = Mode::training, .seed = options_.seed, .remade = options_.remade});
    const Var logits = forward(tape, graphs, features, MemoryKind::activations);
    const MemoryUse use(MemoryKind::gradients);
    Matrix dlogits(logits.rows(), logits.cols());
    const MemoryUse temporaries(MemoryKind::workspace);
    std::move(tape).backward(logits, std::move(dlogits), *gradients_);
  }

  void evaluate() {
    enter(BufferTrace::Phase::evaluation);
    const MemoryUse use(MemoryKind::evaluation);
    const Var logits = inferred();
    const Matrix outputs(logits.rows(), logits.cols()), unused(logits.rows(), logits.cols());
  }

  Var inferred() {
    const UseMemory there(memory_of(options_.on));
    Tape tape({.on = options_.on});
    return forward(tape, LayerGraphs(graph_->layer_graph(), model_->layers()), features_,
                   MemoryKind::evaluation);
  }

  Var forward(Tape& tape, const LayerGraphs& graphs, ConstTensor features, MemoryKind kind) {
    const MemoryUse use(kind);
    Var x = tape.constant(features);
    Tape::set_rehearsed_density(x, shape_.data.feature_density);
    return model_->forward(tape, graphs, x);
  }

  const RunShape& shape_;
  const TrainOptions& options_;
  Parameters parameters_;
  std::vector<Room> owned_, sampler_;
  std::unique_ptr<Model> model_;
  std::optional<TrainingState> state_;
  Room best_weights_;
  std::optional<ParameterGradients> gradients_;
  std::optional<RehearsedGraph> graph_;
  Matrix features_;
};

/// A run over the whole graph has left the store's pages before it computes: they count as far as they are
/// more than what that takes.
std::int64_t mapped_at_peak(const RunShape& shape, const TrainOptions& options, const MemoryByKind& memory) {
  const std::int64_t own = shape.rank.mapped_bytes;
  if (options.regime == Regime::mini_batch)
    return own + (options.topology == "partitioned" ? 0 : shape.rank.topology_bytes);
  std::int64_t computing = 0;
  for (const MemoryKind kind : {MemoryKind::activations, MemoryKind::gradients, MemoryKind::halo,
                                MemoryKind::evaluation, MemoryKind::workspace})
    computing += memory[kind];
  return std::max<std::int64_t>(0, own - computing);
}

}  // namespace

MemoryByKind estimated_memory(const RunShape& shape, const TrainOptions& options, const ModelFactory& make) {
  Rehearsal rehearsal;
  RehearsedRun(shape, options, make).run();
  MemoryByKind memory = rehearsal.peak();
  memory[MemoryKind::program] = shape.program_bytes;
  memory[MemoryKind::mapped] = mapped_at_peak(shape, options, memory);
  return memory;
}

namespace {

SelfEdges self_edges_of(const StoreMeta& meta, const ModelFactory& make) {
  const Rehearsal rehearsal;
  Parameters parameters(0);
  return make(parameters, meta.features, meta.classes)->self_edges();
}

}  // namespace

std::vector<MemoryByKind> estimated_memory(const PartitionedStore& parts, int ranks,
                                           const TrainOptions& options, const ModelFactory& make) {
  const std::int64_t program = resident_bytes();
  const SelfEdges self_edges = self_edges_of(parts.meta().store, make);
  const bool random_cut = parts.k() == 1 && ranks > 1;
  std::vector<MemoryByKind> by_rank;
  for (Rank rank{0}; rank.value() < ranks; ++rank) {
    if (random_cut && rank.value() > 0) {
      by_rank.push_back(by_rank.front());
      continue;
    }
    RunShape shape = random_cut ? shape_of_random_run(parts, ranks, options, self_edges)
                                : run_shape(parts, ranks, rank, options, self_edges);
    shape.program_bytes = program;
    by_rank.push_back(estimated_memory(shape, options, make));
  }
  return by_rank;
}

std::int64_t needed_bytes(const MemoryByKind& memory) { return memory.total() - memory[MemoryKind::mapped]; }

}  // namespace kith
