#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "kith/comm/row_exchange.h"
#include "kith/exec/halo/halo_exchange.h"
#include "kith/exec/halo/recomputed.h"
#include "kith/exec/layer_graph.h"
#include "kith/sampler/owned_data.h"

namespace kith {

/// One rank's piece of the full graph: rows are its owned nodes, columns its owned nodes and behind them its
/// halo (the merged, de-duplicated halo of its parts, ascending by global id), with what travels with halo
/// rows.
class LocalGraph {
 public:
  struct Context {
    Communicator& comm;
    Ledger& ledger;
    const Ownership& ownership;
    const OwnedData& owned;
    Backend on = Cpu{};  ///< whose kernels will read the rows
  };
  /// Collective: ranks tell each other which rows they need. The context must outlive it.
  LocalGraph(const Context& context, SelfEdges self_edges, const HaloProtocol& protocol);

  std::int64_t owned() const { return owned_; }
  std::int64_t halo() const { return static_cast<std::int64_t>(halo_.size()); }
  const LayerGraph& layer_graph() const { return *graph_; }
  /// Of a model's layers: the same for all, unless first layers of halo nodes are computed here, too. Then
  /// its outputs have rows of these behind the owned ones.
  LayerGraphs layer_graphs(int layers) const {
    if (!recomputed_) return {*graph_, layers};
    return {{recomputed_->first_graph.get(), recomputed_->second_graph.get(), graph_.get()}, layers};
  }
  const std::optional<Recomputed>& recomputed() const { return recomputed_; }
  /// See LayerGraph.
  void keep_aggregates_of(ConstTensor features);
  /// [owned + halo] the store ids of all rows; with replicas, [owned + replicas + halo + beyond].
  std::span<const StoreId> store_ids() const { return store_ids_; }

  /// See HaloExchange.
  void evaluate_exactly(bool exact) { exchange_->evaluate_exactly(exact); }
  const HaloExchange& exchange() const { return *exchange_; }
  HaloExchange& exchange() { return *exchange_; }

  /// A training computes logits of these owned rows alone, over so many layers that each exchange once
  /// (0: it does not say, and any row may count): the plan may leave out rows that do not reach them, and
  /// let owners make what destinations get. What the step's `exchanges` are for decides how; without them all
  /// are sums. Throws InputError where the plan can do nothing for them. Collective.
  void train_only(std::span<const std::int32_t> outputs, int layers,
                  std::span<const StepExchange> exchanges = {});
  /// Owners make what destinations get, where the exchange is for such a thing.
  bool reduces() const { return planner_->cover() != nullptr && context_.comm.size() > 1; }
  /// Ranks share out the columns of what destinations get.
  bool splits_columns() const { return planner_->splits_columns() && context_.comm.size() > 1; }

  /// The model reads sums of its input over neighbours alone (Model::sums_input): where the plan sums and
  /// features are stored as fp32, these sums will cross instead of features. Collective.
  void sum_input();
  const std::optional<SumPlan>& input_plan() const { return input_plan_; }

  /// The stored features of all rows, decoded [as store_ids(), F]: halo rows are fetched once, as stored.
  /// With a summed input those of owned rows alone. Collective.
  Matrix fetch_features(const Backend& on);

 private:
  void build_rows(SelfEdges self_edges);
  void exchange_node_facts(SelfEdges self_edges);
  /// Behind the node facts of owned and halo rows.
  void add_replicas();
  std::unique_ptr<LayerGraph> graph_of(const Csr32& csr, std::int64_t sources);
  /// Of owned rows and replicas.
  std::int64_t computed_rows() const { return owned_ + (recomputed_ ? recomputed_->replicas() : 0); }
  void fetch_features(const Backend& on, const HaloLists& lists, Tensor out);
  /// Packs and sends the rows that others need; returns the arrived rows. Counted under layer 0.
  Buffer fetch_rows(const HaloLists& lists,
                    const std::function<void(std::int64_t row, std::byte* target)>& pack,
                    std::int64_t row_bytes, const char* counter);
  /// Of the first exchange, what is not computed here.
  HaloLists without_replicas(const HaloLists& lists);

  HaloPlanner::Owners owners();
  /// Ranks will sum for their groups. Collective.
  void replicate();
  /// For the destinations `rows`.
  ReductionPlan reduced(std::vector<bool> rows, const StepExchange& exchange, std::int64_t place_bytes);
  std::vector<ReductionPlan> pruned_plans(std::vector<std::vector<bool>>& rows,
                                          std::span<const StepExchange> exchanges);
  std::vector<ReductionPlan> whole_plans(std::span<const StepExchange> exchanges);
  /// Counts over all ranks what arrives by the plan, and the sources that would without it. Collective.
  void weigh(SumPlan& plan, double sources) const;
  /// That tell a maximum's source; 0 where there are none. Collective.
  std::int64_t place_bytes(std::span<const StepExchange> exchanges);
  void refuse_rounds(std::span<const StepExchange> exchanges) const;
  void refuse_rows(std::span<const StepExchange> exchanges) const;
  void split_columns(std::span<const StepExchange> exchanges);
  /// As plan.*, by exchange.
  void count(const std::vector<ReductionPlan>& plans) const;

  Context context_;
  RowExchange rows_;
  SelfEdges self_edges_;
  std::int64_t owned_ = 0;
  Array<GlobalId> halo_;
  Csr32 csr_;
  Array<StoreId> store_ids_;
  Array<std::int64_t> degrees_;
  std::unique_ptr<HaloPlanner> planner_;
  std::optional<Recomputed> recomputed_;
  std::unique_ptr<HaloExchange> exchange_;
  std::optional<SumPlan> input_plan_;
  std::unique_ptr<LayerGraph> graph_;
};

/// The halo of a rank: its parts' halos merged, without the rank's own nodes. Ascending.
Array<GlobalId> merged_halo(const OwnedData& owned, std::int64_t end);

}  // namespace kith
