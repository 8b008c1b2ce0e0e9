#include "kith/exec/local_graph.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "kith/core/memory_kind.h"
#include "kith/core/parallel.h"
#include "kith/exec/halo/input_sum.h"
#include "kith/exec/halo/values.h"
#include "kith/kernels/rows.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 12;

/// Local columns of stored rows: owned nodes by subtraction, halo nodes by their place in the halo.
class Columns {
 public:
  Columns(std::int64_t first, std::int64_t owned, std::span<const GlobalId> halo)
      : first_(first), owned_(owned), halo_(halo) {}
  std::int32_t operator()(std::int64_t global) const {
    const std::int64_t row = global - first_;
    if (0 <= row && row < owned_) return static_cast<std::int32_t>(row);
    const auto found = std::lower_bound(halo_.begin(), halo_.end(), GlobalId{global});
    if (found == halo_.end() || *found != GlobalId{global})
      throw CorruptError(
          with_facts("a part's halo lacks a source of its rows; kith verify says which file is damaged",
                     {{"global id", global}}));
    return static_cast<std::int32_t>(owned_ + (found - halo_.begin()));
  }

 private:
  std::int64_t first_, owned_;
  std::span<const GlobalId> halo_;
};

/// Writes row `global` of a part with its self-edge treated as asked; returns its length. `out` may be null.
template <class Index>
std::int64_t write_row(std::span<const Index> row, std::int64_t global, SelfEdges self_edges,
                       const Columns& columns, std::int32_t* out) {
  std::int64_t length = 0;
  for (const Index source : row) {
    if (self_edges != SelfEdges::as_stored && source == global) continue;
    if (out != nullptr) out[length] = columns(source);
    ++length;
  }
  if (self_edges == SelfEdges::explicit_edges) {
    if (out != nullptr) out[length] = columns(global);
    ++length;
  }
  return length;
}

/// f(row, global id, the row's sources) for all rows of a part, in parallel.
template <class F>
void for_rows(const PartView& part, std::int64_t first, F&& f) {
  part.indices.visit([&](auto indices) {
    parallel_for(0, part.nodes, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const auto size = static_cast<std::size_t>(part.indptr[i + 1] - part.indptr[i]);
        f(part.first + i - first, part.first + i,
          indices.subspan(static_cast<std::size_t>(part.indptr[i]), size));
      }
    });
  });
}

struct NodeFacts {
  StoreId store_id;
  std::int64_t degree;
};

}  // namespace

Array<GlobalId> merged_halo(const OwnedData& owned, std::int64_t end) {
  std::vector<GlobalId> all;
  for (const PartView& part : owned.parts) {
    for (const std::int64_t node : part.halo)
      if (node < owned.first || node >= end) all.push_back(GlobalId{node});
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return copy_of(std::span<const GlobalId>(all));
}

LocalGraph::LocalGraph(const Context& context, SelfEdges self_edges, const HaloProtocol& protocol)
    : context_(context),
      rows_(context.comm, context.ledger),
      self_edges_(self_edges),
      owned_(context.owned.nodes) {
  const OwnedData& owned = context.owned;
  halo_ = merged_halo(owned, owned.first + owned.nodes);
  require(owned_ + halo() < std::numeric_limits<std::int32_t>::max(),
          "a rank's owned and halo nodes fit 32-bit local ids: use more ranks", {{"rows", owned_ + halo()}});
  build_rows(self_edges);
  planner_ = make_plan(protocol.plan);
  HaloLists lists = planner_->plan(owners(), halo_);
  if (const auto most = planner_->recomputes(); most && context.comm.size() > 1)
    recomputed_ = halo::recomputed(owners(), {owned, halo_, csr_, self_edges}, *most);
  lists.owned = computed_rows();
  for (const PartView& part : owned.parts) lists.plan_rows += static_cast<std::int64_t>(part.halo.size());
  exchange_ = std::make_unique<HaloExchange>(rows_, context.ledger, std::move(lists), protocol);
  exchange_node_facts(self_edges);
  if (recomputed_) add_replicas();
  exchange_->know_nodes(store_ids_.span().first(static_cast<std::size_t>(computed_rows() + halo())));
  graph_ = graph_of(recomputed_ ? recomputed_->later : csr_, computed_rows() + halo());
}

std::unique_ptr<LayerGraph> LocalGraph::graph_of(const Csr32& csr, std::int64_t sources) {
  const auto size = static_cast<std::size_t>(sources);
  return std::make_unique<LayerGraph>(
      LayerGraph::Arrays{.csr = csr,
                         .sources = sources,
                         .store_ids = store_ids_.span().first(size),
                         .degrees = degrees_.span().first(size),
                         .self_edges = self_edges_,
                         .halo = exchange_.get(),
                         .sum_over_ranks =
                             [comm = &context_.comm](std::span<double> values) {
                               all_reduce_sum(*comm, values, "column sums of a norm");
                             },
                         .on = context_.on});
}

HaloPlanner::Owners LocalGraph::owners() {
  HaloPlanner::Owners owners{.rows = rows_,
                             .owner = [this](GlobalId node) { return context_.ownership.rank_of(node); },
                             .first = context_.owned.first,
                             .owned = owned_};
  for (Rank rank{0}; rank.value() < context_.ownership.ranks(); ++rank)
    owners.begins.push_back(context_.ownership.first(rank));
  owners.begins.push_back(context_.ownership.nodes());
  return owners;
}

void LocalGraph::train_only(std::span<const std::int32_t> outputs, int layers,
                            std::span<const StepExchange> exchanges) {
  refuse_rounds(exchanges);
  if (exchange_->replicates()) return replicate();
  const bool prunes = planner_->prunes() && layers > 0;
  std::vector<HaloLists> lists;
  std::vector<std::vector<bool>> rows;  // that count, by exchange
  if (prunes) {
    for (halo::Needed& needed :
         halo::receptive_field(owners(), halo_, {.csr = csr_, .outputs = outputs, .layers = layers})) {
      rows.push_back(std::move(needed.rows));
      lists.push_back(std::move(needed.lists));
    }
  }
  const auto sources = [&](std::size_t e) { return prunes ? lists[e].halo_rows.size() : halo_.size(); };
  std::vector<double> all_sources;
  for (std::size_t e = 0; e < std::max<std::size_t>(1, lists.size()); ++e)
    all_sources.push_back(prunes && lists.empty() ? 0 : static_cast<double>(sources(e)));
  if (recomputed_ && !lists.empty()) lists.front() = without_replicas(lists.front());
  for (HaloLists& list : lists) list.owned = computed_rows();
  exchange_->narrow(std::move(lists));
  if (splits_columns()) return split_columns(exchanges);
  if (!reduces()) return;
  refuse_rows(exchanges);
  std::vector<ReductionPlan> plans = prunes ? pruned_plans(rows, exchanges) : whole_plans(exchanges);
  for (std::size_t e = 0; e < plans.size(); ++e)
    if (plans[e].sums) weigh(*plans[e].sums, all_sources[prunes ? e : 0]);
  count(plans);
  exchange_->plan_reductions(std::move(plans));
}

void LocalGraph::replicate() {
  const MemoryUse use(MemoryKind::graph);
  std::vector<ReductionPlan> plans(1);
  plans.front().replicated = halo::replicated_plan(
      owners(), halo_, {.csr = csr_, .ids = store_ids_, .wanted = {}}, exchange_->replication());
  exchange_->plan_reductions(std::move(plans));
}

namespace {

/// What exchange e, 1, 2, …, of a step is for; sums where nobody says.
StepExchange forward_exchange(std::span<const StepExchange> exchanges, int e) {
  for (const StepExchange& exchange : exchanges)
    if (exchange.layer == e && !exchange.backward) return exchange;
  return {.layer = e, .cols = 1, .what = exchanges.empty() ? Crossing::sums : Crossing::rows};
}

}  // namespace

void LocalGraph::weigh(SumPlan& plan, double sources) const {
  double all[] = {static_cast<double>(plan.lists.halo), static_cast<double>(plan.sums), sources};
  all_reduce_sum(context_.comm, std::span<double>(all), "weigh the plan of sums");
  plan.all_rows = all[0];
  plan.all_sums = all[1];
  plan.all_sources = all[2];
}

std::vector<ReductionPlan> LocalGraph::pruned_plans(std::vector<std::vector<bool>>& rows,
                                                    std::span<const StepExchange> exchanges) {
  const std::int64_t place_bytes = this->place_bytes(exchanges);
  std::vector<ReductionPlan> plans;
  for (std::size_t e = 0; e < rows.size(); ++e)
    plans.push_back(
        reduced(std::move(rows[e]), forward_exchange(exchanges, static_cast<int>(e) + 1), place_bytes));
  return plans;
}

// Exchanges of all rows differ in what they are for and, where that is weighed, in what it costs.
std::vector<ReductionPlan> LocalGraph::whole_plans(std::span<const StepExchange> exchanges) {
  const std::int64_t place_bytes = this->place_bytes(exchanges);
  std::vector<StepExchange> planned{forward_exchange(exchanges, 1)};
  for (const StepExchange& exchange : exchanges)
    if (!exchange.backward && exchange.layer > std::ssize(planned))
      planned.push_back(forward_exchange(exchanges, exchange.layer));
  const auto like_the_first = [&](const StepExchange& exchange) {
    return exchange.what == planned.front().what &&
           (!planner_->weighs() || exchange_->cover_costs(exchange, place_bytes) ==
                                       exchange_->cover_costs(planned.front(), place_bytes));
  };
  if (std::all_of(planned.begin(), planned.end(), like_the_first)) planned.resize(1);
  std::vector<ReductionPlan> plans;
  for (const StepExchange& exchange : planned)
    plans.push_back(
        reduced(std::vector<bool>(static_cast<std::size_t>(owned_), true), exchange, place_bytes));
  return plans;
}

std::int64_t LocalGraph::place_bytes(std::span<const StepExchange> exchanges) {
  const bool maxima = std::any_of(exchanges.begin(), exchanges.end(),
                                  [](const StepExchange& e) { return e.what == Crossing::maxima; });
  return maxima ? halo::place_bytes_for(halo::most_sources_of_a_rank(owners(), halo_, csr_)) : 0;
}

void LocalGraph::refuse_rows(std::span<const StepExchange> exchanges) const {
  if (planner_->weighs() || exchange_->keeps_values()) return;
  for (const StepExchange& exchange : exchanges) {
    if (exchange.what == Crossing::rows)
      throw InputError(
          "plan partial-aggregates sends what owners make for a destination, a sum by fixed weights, a "
          "maximum or attention, and this model wants rows; use plan cover or needed-rows");
    if (exchange.what != Crossing::sums && memory_of(context_.on) != nullptr)
      throw InputError(
          "plan partial-aggregates has owners make maxima and attention on CPUs alone as yet; use --device "
          "cpu, or plan cover or needed-rows, which send rows on a GPU");
  }
}

void LocalGraph::refuse_rounds(std::span<const StepExchange> exchanges) const {
  if (!exchange_->in_rounds() || memory_of(context_.on) == nullptr) return;
  for (const StepExchange& exchange : exchanges)
    if (exchange.what != Crossing::sums)
      throw InputError(
          "route ring has attention in rounds on CPUs alone as yet: use route point-to-point on GPUs");
}

void LocalGraph::split_columns(std::span<const StepExchange> exchanges) {
  if (memory_of(context_.on) != nullptr)
    throw InputError("plan tensor aggregates columns on CPUs alone as yet; use --device cpu, or plan cover");
  for (const StepExchange& exchange : exchanges)
    if (exchange.what == Crossing::rows)
      throw InputError(
          "plan tensor gives every rank some columns of all rows, of which it makes sums by fixed weights, "
          "maxima and attention, and this model wants whole rows; use plan cover or needed-rows");
  exchange_->split_columns(std::make_unique<ColumnPlan>(context_.owned, context_.ownership,
                                                        context_.comm.size(), self_edges_, context_.on));
}

void LocalGraph::sum_input() {
  if (!reduces() || context_.owned.feature_dtype() != DType::f32) return;
  const MemoryUse use(MemoryKind::graph);
  std::vector<bool> all(static_cast<std::size_t>(owned_), true);
  input_plan_ = halo::summed(owners(), halo_, {.csr = csr_, .ids = store_ids_, .wanted = std::move(all)},
                             {.cover = planner_->cover(), .costs = {}});
}

void LocalGraph::keep_aggregates_of(ConstTensor features) {
  if (recomputed_) return recomputed_->first_graph->keep_aggregates_of(features);
  if (!input_plan_) return graph_->keep_aggregates_of(features);
  graph_->keep_aggregates_of(features, [this, features](const Backend& on, const SpmmScales& scales) {
    return summed_input(on, rows_, *input_plan_, features, scales);
  });
}

ReductionPlan LocalGraph::reduced(std::vector<bool> rows, const StepExchange& exchange,
                                  std::int64_t place_bytes) {
  const MemoryUse use(MemoryKind::graph);
  const halo::CutRows cut{.csr = csr_, .ids = store_ids_, .wanted = std::move(rows)};
  halo::CoverRule rule{.cover = planner_->cover(), .costs = {}};
  if (planner_->weighs()) rule.costs = exchange_->cover_costs(exchange, place_bytes);
  ReductionPlan plan;
  if (exchange.what == Crossing::sums) {
    plan.sums = halo::summed(owners(), halo_, cut, rule);
  } else if (exchange.what != Crossing::rows && memory_of(context_.on) == nullptr) {
    plan.partials = halo::reduced(owners(), halo_, cut, rule, exchange.what);
    plan.partials->place_bytes = place_bytes;
  }
  return plan;
}

void LocalGraph::count(const std::vector<ReductionPlan>& plans) const {
  for (std::size_t e = 0; e < plans.size(); ++e) {
    const auto add = [&](const char* name, std::int64_t value) {
      context_.ledger.add({name, static_cast<int>(e) + 1, -1}, static_cast<double>(value));
    };
    const auto add_all = [&](std::int64_t rows, const auto& plan) {
      add("plan.rows", rows);
      add("plan.sums", plan.sums);
      add("plan.pairs", plan.pairs);
      add("plan.approximate_pairs", plan.pairs - plan.least);
    };
    if (plans[e].sums) add_all(plans[e].sums->lists.halo, *plans[e].sums);
    if (plans[e].partials)
      add_all(plans[e].partials->rows.halo + plans[e].partials->sums, *plans[e].partials);
  }
}

void LocalGraph::build_rows(SelfEdges self_edges) {
  const OwnedData& owned = context_.owned;
  const Columns columns(owned.first, owned_, halo_);
  csr_.indptr = Array<std::int64_t>(static_cast<std::size_t>(owned_) + 1, 0);
  for (const PartView& part : owned.parts) {
    for_rows(part, owned.first, [&](std::int64_t row, std::int64_t global, auto sources) {
      csr_.indptr[row] = write_row(sources, global, self_edges, columns, nullptr);
    });
  }
  const std::int64_t edges = exclusive_prefix_sum(csr_.indptr.data(), owned_);
  csr_.indptr[owned_] = edges;
  csr_.indices = Array<std::int32_t>(static_cast<std::size_t>(edges));
  for (const PartView& part : owned.parts) {
    for_rows(part, owned.first, [&](std::int64_t row, std::int64_t global, auto sources) {
      write_row(sources, global, self_edges, columns, csr_.indices.data() + csr_.indptr[row]);
    });
  }
}

void LocalGraph::exchange_node_facts(SelfEdges self_edges) {
  const std::int64_t extra = self_edges == SelfEdges::explicit_edges ? 1 : 0;
  Array<NodeFacts> facts(static_cast<std::size_t>(owned_ + halo()));
  for (std::int64_t i = 0; i < owned_; ++i) {
    facts[i] = {context_.owned.store_ids[i], csr_.view().degree(i) - extra};
  }
  const auto pack = [&](std::int64_t row, std::byte* target) {
    std::memcpy(target, &facts[row], sizeof(NodeFacts));
  };
  const Buffer arrived = fetch_rows(exchange_->lists(), pack, sizeof(NodeFacts), "setup");
  if (halo() > 0) std::memcpy(facts.data() + owned_, arrived.data(), arrived.bytes());
  store_ids_ = Array<StoreId>(facts.size());
  degrees_ = Array<std::int64_t>(facts.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    store_ids_[i] = facts[i].store_id;
    degrees_[i] = facts[i].degree;
  }
}

Buffer LocalGraph::fetch_rows(const HaloLists& lists,
                              const std::function<void(std::int64_t row, std::byte* target)>& pack,
                              std::int64_t row_bytes, const char* counter) {
  Buffer packed(lists.send_rows.size() * static_cast<std::size_t>(row_bytes));
  Buffer arrived(static_cast<std::size_t>(lists.halo * row_bytes));
  for (std::size_t i = 0; i < lists.send_rows.size(); ++i)
    pack(lists.send_rows[i], packed.data() + i * static_cast<std::size_t>(row_bytes));
  rows_.exchange({packed.data(), packed.bytes()}, {arrived.data(), arrived.bytes()}, lists.counts, row_bytes,
                 {.what = "fetching halo rows once", .counter = counter, .layer = 0});
  return arrived;
}

namespace {

Matrix room_for(const Backend& on, std::int64_t rows, std::int64_t cols) {
  const UseMemory there(memory_of(on));
  return Matrix(rows, cols);
}

/// A stretch at a time, for what is decoded on a device is copied there first.
void decode_part(const Backend& on, const PartView& part, std::int64_t row_bytes, Tensor out) {
  const std::int64_t stretch =
      std::max<std::int64_t>(1, (std::int64_t{64} << 20) / std::max<std::int64_t>(row_bytes, 1));
  for (std::int64_t begin = 0; begin < part.nodes; begin += stretch) {
    const std::int64_t end = std::min(begin + stretch, part.nodes);
    const auto scales = part.features.scales;
    decode_rows(on, part.features.data + begin * row_bytes, part.features.dtype,
                scales.empty()
                    ? scales
                    : scales.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
                out.row_range(begin, end));
  }
}

}  // namespace

Matrix LocalGraph::fetch_features(const Backend& on) {
  const OwnedData& owned = context_.owned;
  Matrix features = room_for(on, input_plan_ ? owned_ : store_ids_.ssize(), owned.feature_cols());
  std::int64_t row = 0;
  for (const PartView& part : owned.parts) {
    decode_part(on, part, owned.feature_row_bytes(), features.view().row_range(row, row + part.nodes));
    row += part.nodes;
  }
  if (input_plan_) return features;
  const Tensor fetched = features.view().row_range(computed_rows(), computed_rows() + halo());
  fetch_features(on, exchange_->lists(), fetched);
  if (!recomputed_) return features;
  gather_rows(on, fetched, recomputed_->places, features.view().row_range(owned_, computed_rows()));
  fetch_features(on, recomputed_->features,
                 features.view().row_range(computed_rows() + halo(), features.rows()));
  return features;
}

// Rows travel as stored (int8 rows with their scale behind them): never wider than decoded.
void LocalGraph::fetch_features(const Backend& on, const HaloLists& lists, Tensor out) {
  const OwnedData& owned = context_.owned;
  const auto bytes = static_cast<std::size_t>(owned.feature_row_bytes());
  const std::size_t wire = bytes + (owned.feature_dtype() == DType::i8 ? sizeof(float) : 0);
  const auto pack = [&](std::int64_t row, std::byte* target) {
    std::memcpy(target, owned.feature_row(row), bytes);
    const float scale = owned.feature_scale(row);
    std::memcpy(target + bytes, &scale, wire - bytes);
  };
  const Buffer arrived = fetch_rows(lists, pack, static_cast<std::int64_t>(wire), "halo");
  const auto count = static_cast<std::size_t>(lists.halo);
  Array<float> scales(wire > bytes ? count : 0);
  Buffer rows(count * bytes);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(rows.data() + i * bytes, arrived.data() + i * wire, bytes);
    if (wire > bytes) std::memcpy(&scales[i], arrived.data() + i * wire + bytes, sizeof(float));
  }
  decode_rows(on, rows.data(), owned.feature_dtype(), scales, out);
}

}  // namespace kith
