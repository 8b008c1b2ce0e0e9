#pragma once
#include <functional>
#include <map>
#include <memory>
#include <unordered_set>

#include "kith/core/rehearsal.h"
#include "kith/exec/halo/column_plan.h"
#include "kith/exec/halo/framed_rows.h"
#include "kith/exec/halo/halo_errors.h"
#include "kith/exec/halo/kept_rows.h"
#include "kith/exec/halo/owner_blocks.h"
#include "kith/exec/halo/partial_plan.h"
#include "kith/exec/halo/replicated_plan.h"
#include "kith/exec/halo/sum_plan.h"

namespace kith {

/// How an exchange crosses whose owners make what destinations get; neither: its rows cross.
struct ReductionPlan {
  std::optional<SumPlan> sums{};
  std::optional<PartialPlan> partials{};
  std::optional<ReplicatedPlan> replicated{};
};

/// One rank's end of a halo protocol: brings the halo rows of an owned matrix, and takes their gradients
/// back. The first is linear, the second is its adjoint, so together they are a differentiable op — as long
/// as every planned row crosses as it is. What loses or delays rows says so at its value of an axis.
class HaloExchange {
 public:
  /// `lists` from the protocol's planner. The row exchange and the ledger must outlive it.
  HaloExchange(RowExchange& rows, Ledger& ledger, HaloLists lists, const HaloProtocol& protocol);
  /// The same over a route of its own.
  HaloExchange(std::unique_ptr<HaloRoute> route, Ledger& ledger, HaloLists lists,
               const HaloProtocol& protocol);
  ~HaloExchange();

  const HaloLists& lists() const { return lists_; }
  bool overlaps() const { return schedule_->overlaps(); }
  /// Nothing crosses in either direction.
  bool idle() const {
    return !route_->collective() && lists_.halo == 0 && lists_.send_rows.empty() && columns() == nullptr;
  }
  /// A rank sums for its group of so many, whether or not its own rows need anything.
  int replication() const { return route_->replication(); }
  bool replicates() const { return replication() > 1; }

  /// The ids of the rows [owned + halo], which must outlive it; what draws and selects needs them.
  void know_nodes(std::span<const StoreId> ids) { nodes_.ids = ids; }
  /// Lists of the exchanges 1, 2, … that training needs.
  void narrow(std::vector<HaloLists> lists) {
    narrowed_ = std::move(lists);
    route_->forget();
  }
  /// How the exchanges 1, 2, … cross in training; a single plan is that of all exchanges.
  void plan_reductions(std::vector<ReductionPlan> plans);
  /// Null: they have no such plan, and rows cross.
  const SumPlan* sums(int exchange) const;
  const PartialPlan* partials(int exchange) const;
  /// In training sums and maxima cross by columns.
  void split_columns(std::unique_ptr<ColumnPlan> plan) { columns_ = std::move(plan); }
  /// Null: they do not.
  const ColumnPlan* columns() const { return whole_ ? nullptr : columns_.get(); }
  const ReplicatedPlan* replicated(int exchange) const;
  /// What both ends of an edge cost at such an exchange; a maximum's source is told by so many bytes.
  CoverCosts cover_costs(const StepExchange& exchange, std::int64_t place_bytes) const;
  /// Values of earlier steps are used in place of some of today's: they must be exchanged before dropout.
  bool keeps_values() const { return !whole_ && (keeps_any_rows() || framed_.remembers()); }
  /// Of a row of a matrix whose zeros have no gradient, the share of its bytes that crosses, roughly.
  double share_of_sparse_rows() const { return whole_ ? 1 : framed_.share_of_sparse_rows(); }

  /// What is kept from step to step, between two of them; waits for what is under way, so that the next step
  /// computes as if nobody had asked.
  HaloState state(const Backend& on);
  /// Goes on from a state of the same lists and protocol. Throws CorruptError where it does not fit.
  void restore(const Backend& on, const HaloState& state);

  /// Whether senders decide something by looking at rows, and who is asked for it; it must outlive this.
  bool decides() const { return framed_.decides(); }
  void decide_by(HaloDecisions* decisions) { decisions_ = decisions; }
  HaloDecisions* decisions() const { return decisions_; }
  /// Of the protocol's encoding; null: it has none.
  HaloLadder* ladder() const { return encode_->ladder(); }
  /// Whether a checkpoint needs what it has come to.
  bool keeps_state() const { return keeps_values() || ladder() != nullptr; }

  /// From now on every row of the halo crosses in fp32 in time, counted as "evaluation"; or as the protocol
  /// says, counted as "halo".
  void evaluate_exactly(bool exact);
  /// From now on the plan's rows cross as they are, in fp32 and in time, counted as "probe"; or as the
  /// protocol says. What the protocol keeps from step to step stays as it is meanwhile.
  void lose_nothing(bool exact);
  /// From now on the plan's rows cross a second time, as they are, counted as "probe", and what the protocol
  /// makes of them is compared; null: no longer. Not by routes in rounds and plans of columns.
  void measure(HaloErrors* errors) { errors_ = errors; }

  /// What an exchange of a matrix of `cols` columns sends, added to the ledger under
  /// `<counter>.forward.` or `<counter>.backward.` by layer and peer: `rows`, `skipped_rows` (planned, but
  /// not at this step), `payload_bytes`, `header_bytes`, `messages`.
  void count(const HaloPass& pass, std::int64_t cols, Ledger& into);
  /// The same of all messages of a pass.
  void count_all(const HaloPass& pass, std::int64_t cols, Ledger& into);
  /// Told of every exchange that starts, before it does.
  using Observer = std::function<void(const HaloPass& pass, std::int64_t cols)>;
  void observe(Observer observer) { observer_ = std::move(observer); }

  /// An exchange under way. `progress` between pieces of work keeps it moving.
  class Flight {
   public:
    bool progress() {
      if (exchange_ != nullptr) exchange_->progress_under_way();
      return transfer_ == nullptr || transfer_->progress();
    }

    const HaloPass& pass() const { return pass_; }
    const HaloLists& lists() const { return *lists_; }

   private:
    friend class HaloExchange;
    HaloExchange* exchange_ = nullptr;  ///< whose older flights it moves, too
    HaloPass pass_;
    std::int64_t cols_ = 0;
    const HaloLists* lists_ = nullptr;
    std::vector<std::vector<std::byte>> packed_;  ///< frames
    std::vector<HaloLink> arriving_;
    std::vector<char> crossed_;               ///< of the rows of an unpacked flight; empty: all
    std::int64_t alive_ = 0;                  ///< rows on the wire
    bool in_order_ = false;                   ///< x has the rows that leave, in their order
    Matrix held_;                             ///< what is to be sent when nothing else waits for the network
    Backend on_ = Cpu{};                      ///< who made it
    std::unique_ptr<HaloTransfer> transfer_;  ///< null: nothing is under way, or all is decoded
    std::unique_ptr<Flight> probe_;           ///< the same rows as they are; null: nothing is measured
  };

  /// Sends the rows of x [owned, d] that others need; of sums with a plan, x itself, a row for each.
  Flight start_fetch(const Backend& on, ConstTensor x, const HaloPass& pass);
  Flight start_fetch(const Backend& on, ConstTensor x, int layer, std::uint32_t step,
                     Crossing what = Crossing::rows) {
    return start_fetch(on, x, HaloPass{.layer = layer, .step = step, .what = what});
  }
  /// Waits; halo [halo, d] gets the arrived rows, and zeros where none came.
  void finish_fetch(const Backend& on, Flight& flight, Tensor halo);

  /// Sends the gradients dhalo of what was fetched to the rows' owners.
  Flight start_return(const Backend& on, ConstTensor dhalo, HaloPass pass);
  Flight start_return(const Backend& on, ConstTensor dhalo, int layer, std::uint32_t step,
                      Crossing what = Crossing::rows) {
    return start_return(on, dhalo, HaloPass{.layer = layer, .step = step, .what = what});
  }
  /// One step late the last gradients of a step are not needed for a long time, but the sums of its
  /// parameters' gradients are: on a network that passes one message after another they stand behind these.
  /// So they are kept until an exchange starts, or until somebody says that nobody waits. Collective.
  void send_held();
  /// Unless the schedule does not want today's rows.
  void wait(Flight& flight);
  /// Waits; adds the arrived gradients to dx, a row for each of the fetched x's, rank by rank in ascending
  /// order.
  void finish_return(const Backend& on, Flight& flight, Tensor dx);

  /// Sends partials, or backward their gradients: of each the numbers x [·, d] in the protocol's encoding and
  /// a tail of bytes as it is. On a CPU.
  Flight start_partials(const Backend& on, ConstTensor x, std::span<const std::byte> tails, HaloPass pass);
  /// Waits; what arrived, in the order of the plan.
  void finish_partials(const Backend& on, Flight& flight, Tensor x, std::span<std::byte> tails);

  /// A pass of `cols` columns by the plan of columns starts, and is counted.
  void begin_columns(const HaloPass& pass, std::int64_t cols);
  /// By the plan of columns: of x [owned, d] this rank's columns of every node, [nodes, ⌈d / ranks⌉] with
  /// zeros behind the last, or nothing where it has none; and back, y [owned, d] of what ranks made of
  /// theirs. Collective; they wait.
  Matrix columns_of_all(const Backend& on, ConstTensor x, const HaloPass& pass);
  void rows_of_columns(const Backend& on, ConstTensor all, const HaloPass& pass, Tensor y);
  /// By the same plan: values of the whole graph's edges, of which every rank has a summand, become their
  /// sums, rank by rank in ascending order; each rank sums as many edges as the others. Collective; waits.
  void sum_edges_over_ranks(const Backend& on, Tensor values, const HaloPass& pass);

  /// Rows of others that are kept somewhere as long as this lives; the most at any time is the ledger's
  /// `halo.most_rows_alive`.
  class Alive {
   public:
    Alive(HaloExchange& exchange, std::int64_t rows) : exchange_(&exchange), rows_(rows) {
      exchange.hold(rows);
    }
    Alive(const Alive&) = delete;
    Alive& operator=(const Alive&) = delete;
    ~Alive() { exchange_->hold(-rows_); }

   private:
    HaloExchange* exchange_;
    std::int64_t rows_;
  };

  /// Rows that do not cross are left out of a sum, which needs no memory for them, if it asks only for those
  /// that do: the rows of these lists.
  bool leaves_out_rows(const HaloPass& pass) const;
  const HaloLists& crossing(const HaloPass& pass) { return selected(pass); }
  /// Waits; the rows that crossed, in the order of their lists.
  Matrix finish_fetch_of_crossing(const Backend& on, Flight& flight) { return decoded(on, flight); }
  /// Sends gradients of the rows that cross, in the order of their lists, to the rows' owners.
  Flight start_return_of_crossing(const Backend& on, ConstTensor dhalo, HaloPass pass);

  /// Rows come and go rank by rank and are dropped at once, by the functions below; others ask for all.
  bool in_rounds() const { return !rehearsing() && route_->in_rounds(); }
  /// A rank's rows in the graph of an exchange: the first one's place among those behind the owned ones.
  struct Peer {
    Rank rank{0};
    std::int64_t first = 0, rows = 0;
  };
  using Consume = std::function<void(const Peer& peer, ConstTensor rows)>;
  /// Sends the rows of x that others need and consumes those of the halo, rank by rank. While one rank's are
  /// consumed the next one's are under way, unless the schedule waits at once.
  void fetch_rounds(const Backend& on, ConstTensor x, const HaloPass& pass, const Consume& consume);
  struct Returned {
    /// Of one rank's rows, which are fetched again where `again` is given, and are nothing otherwise.
    std::function<void(const Peer& peer, ConstTensor fetched, Tensor rows)> make;
    std::function<void()> meanwhile;  ///< while the first are under way
    ConstTensor again = {};           ///< what was fetched in the forward pass, of this rank
  };
  /// Sends the gradients of what was fetched; dx += those that arrive, rank by rank.
  void return_rounds(const Backend& on, const HaloPass& pass, const Returned& returned, Tensor dx);
  /// A graph whose exchange this is, by the owners of its sources.
  const OwnerBlocks& blocks(const LayerGraph& graph, const HaloPass& pass);

 private:
  /// What a direction of a layer keeps from step to step.
  struct Kept {
    KeptRows rows;     ///< of the halo, or of the planned send rows
    Flight under_way;  ///< the last step's, not looked at yet
  };

  Flight begun(const Backend& on, ConstTensor x, const HaloPass& pass);
  Flight start(const Backend& on, ConstTensor x, const HaloPass& pass, std::span<const std::byte> tails = {});
  bool holds(const HaloPass& pass) const;
  void depart(const Backend& on, ConstTensor x, std::span<const std::byte> tails, Flight& flight);
  void depart_held(Flight& flight);
  void make_graphs(ReplicatedPlan& plan);
  const ReductionPlan* reduction(int exchange) const;
  const SumPlan* plan_of(const HaloPass& pass) const {
    return pass.what == Crossing::sums ? sums(pass.layer) : nullptr;
  }
  const PartialPlan* partials_of(const HaloPass& pass) const {
    const bool reduces = pass.what != Crossing::rows && pass.what != Crossing::sums;
    return reduces ? partials(pass.layer) : nullptr;
  }
  const ReplicatedPlan* replicated_of(const HaloPass& pass) const {
    return pass.what == Crossing::sums ? replicated(pass.layer) : nullptr;
  }
  std::int64_t tail_bytes(const HaloPass& pass, std::int64_t cols) const;
  HaloNodes nodes(const HaloPass& pass) const;
  void start_rows(const Backend& on, ConstTensor x, std::span<const std::byte> tails, Flight& flight);
  void encode_with_tails(const Backend& on, ConstTensor x, std::span<const std::byte> tails,
                         const Flight& flight, std::byte* wire);
  void encode_in_order(const Backend& on, ConstTensor x, const Flight& flight, std::byte* wire);
  void start_frames(const Backend& on, ConstTensor x, std::span<const std::byte> tails, Flight& flight);
  /// Rows of what has arrived last, or of this step.
  bool keeps_any_rows() const { return schedule_->one_step_late() || select_->keeps_missing(); }
  bool keeps_rows() const { return !exact_ && keeps_any_rows(); }
  /// Terms of GAT's scores are a number a head: they cross as they are.
  bool as_is(const HaloPass& pass) const {
    return exact_ || pass.probe || (pass.part == HaloPart::terms && pass.what == Crossing::attention);
  }
  bool in_frames(const HaloPass& pass) const;
  FramedRows& framed(const HaloPass& pass) { return as_is(pass) ? exact_framed_ : framed_; }
  FramedRows::Exchange exchange_of(const HaloPass& pass, std::int64_t cols) const {
    return {pass, cols, nodes_.seed, nodes_.self, exact_ ? nullptr : decisions_};
  }
  std::vector<HaloLink> sending(const HaloLists& lists, const HaloPass& pass) const;
  std::vector<HaloLink> arriving(const HaloLists& lists, HaloPass pass) const;
  ExchangeLabel label(const HaloPass& pass) const;
  void count_columns(const HaloPass& pass, std::int64_t cols, Ledger& into) const;
  std::unique_ptr<HaloTransfer> transferred(const HaloLists& lists, std::int64_t row_bytes,
                                            const HaloPass& pass, const HaloRoute::Write& write);
  void add_counts(const HaloPass& pass, Rank peer, const FrameCounts& counts, Ledger& into) const;
  void wait_for(Flight& flight);
  /// What earlier steps sent.
  void progress_under_way();
  const HaloLists& planned(const HaloPass& pass) const;
  const HaloLists& selected(const HaloPass& pass);
  HaloEncode& encode(const HaloPass& pass) const { return as_is(pass) ? *exact_encode_ : *encode_; }
  const char* counter(const HaloPass& pass) const { return pass.probe ? "probe" : counter_; }
  void set_mode(const char* counter, bool exact, bool whole);
  bool one_step_late() const { return !exact_ && schedule_->one_step_late(); }
  /// How many rows a direction of a layer keeps.
  std::int64_t kept_count(const HaloPass& pass) const;
  void take(const Backend& on, Kept& kept, Flight& arrived);
  /// Takes what is under way, if anything is.
  void settle(const Backend& on, Kept& kept);
  Peer peer_at(const HaloPass& pass, int distance) const;
  std::unique_ptr<HaloTransfer> depart_round(const Backend& on, ConstTensor x, const HaloPass& pass,
                                             const HaloLists& lists, int distance);
  Matrix landed_round(const Backend& on, const HaloPass& pass, const HaloLists& lists,
                      std::unique_ptr<HaloTransfer> transfer, int distance, std::int64_t cols);
  const HaloLists& begin_rounds(const HaloPass& pass, std::int64_t cols);
  /// What a round brings.
  struct Landing {
    std::unique_ptr<HaloTransfer> transfer;
    std::int64_t rows = 0, cols = 0;
    float scale = 1;
  };
  Matrix landed(const Backend& on, const HaloPass& pass, Landing landing);
  /// So many rows of others more, or fewer, are kept anywhere.
  void hold(std::int64_t rows);
  /// Of rows that have arrived; what they arrived in is given back.
  void decode_arrived(const Backend& on, Flight& flight, Tensor rows);
  /// Waits; the rows as they arrived, scaled.
  Matrix decoded(const Backend& on, Flight& flight, const Kept* kept = nullptr);
  /// Whether a flight brings every kept row; else which.
  bool whole(const Flight& flight) const;
  static std::span<const std::int32_t> kept_places(const Flight& flight);
  /// What a measured exchange brought, as the receiver has it.
  void compare(const Backend& on, std::unique_ptr<Flight> probe, ConstTensor got);
  void fetch_into(const Backend& on, Flight& flight, Tensor halo);
  void take_partials(const Backend& on, Flight& flight, Tensor x, std::span<std::byte> tails);
  void gather_kept(const Backend& on, const Kept& kept, const Flight& flight, Tensor rows) const;
  /// The kept rows after what arrives at this step.
  const Matrix& up_to_date(const Backend& on, Flight& flight);
  static void add_by_rank(const Backend& on, ConstTensor rows, const HaloLists& lists, Tensor dx);

  Ledger* ledger_;
  const char* counter_ = "halo";
  bool exact_ = false;  ///< nothing is lost
  bool whole_ = false;  ///< and no row left out
  HaloErrors* errors_ = nullptr;
  HaloLists lists_;
  std::vector<HaloLists> narrowed_;
  std::vector<ReductionPlan> reductions_;
  std::unique_ptr<ColumnPlan> columns_;
  std::unordered_set<std::int64_t> own_ids_;
  HaloNodes nodes_;
  Observer observer_;
  HaloDecisions* decisions_ = nullptr;
  std::unique_ptr<HaloRoute> route_;
  std::unique_ptr<HaloSelect> select_, exact_select_;
  std::unique_ptr<HaloEncode> encode_, exact_encode_;
  bool checksum_ = false;
  FramedRows framed_, exact_framed_;
  std::unique_ptr<HaloSchedule> schedule_;
  std::map<const LayerGraph*, OwnerBlocks> blocks_;
  std::int64_t rows_alive_ = 0, most_rows_alive_ = 0;
  std::map<std::pair<int, bool>, Kept> kept_;
};

}  // namespace kith
