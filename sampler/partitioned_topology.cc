// Each rank reads its own parts only. A hop is one round: the frontier goes to its owners, they draw (a draw
// is a function of the destination's store id, so the owner draws what the asker would), and counts and
// neighbours come back in the asked order. CSP of DSP (Cai et al., PPoPP'23) on hosts.
#include "kith/comm/row_exchange.h"
#include "kith/sampler/part_rows.h"

namespace kith {
namespace {

constexpr ExchangeLabel kLabel{.what = "sampling at the owners", .counter = "topology"};

template <class T>
std::span<const std::byte> bytes_of(const Array<T>& values) {
  return std::as_bytes(values.span());
}
template <class T>
std::span<std::byte> bytes_of(Array<T>& values) {
  return std::as_writable_bytes(values.span());
}

/// Where the slots of consecutive owners begin, in neighbours: sums of counts over the slots of each rank.
std::vector<std::int64_t> sums_by_rank(std::span<const std::int64_t> values,
                                       const std::vector<std::int64_t>& slots) {
  std::vector<std::int64_t> sums;
  std::size_t at = 0;
  for (const std::int64_t count : slots) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += values[at++];
    sums.push_back(sum);
  }
  return sums;
}

class PartitionedTopology final : public Topology {
 public:
  PartitionedTopology(Communicator& comm, Ledger& ledger, const PartitionedStore& parts,
                      const Ownership& ownership)
      : ownership_(&ownership),
        exchange_(comm, ledger),
        rows_(parts, ownership.first_part(comm.rank()), ownership.end_part(comm.rank())) {}

  HopResult sample(std::span<const GlobalId> frontier, const HopRequest& request) override;
  void describe(std::span<const GlobalId> nodes, bool exclude_self, std::span<StoreId> store_ids,
                std::span<std::int64_t> degrees) override;

 private:
  /// What one question looks like on both sides: nodes sorted by owner, and what the others ask here.
  struct Round {
    std::vector<std::int64_t> slot;  ///< of each node in owner order
    Array<GlobalId> asked;           ///< own nodes, by asker
    RowCounts questions;
    RowCounts answers;  ///< the questions, the other way round
  };
  Round ask(std::span<const GlobalId> nodes);
  template <class T>
  Array<T> answer(const Round& round, const Array<T>& values) {
    Array<T> arrived(static_cast<std::size_t>(round.answers.total_receive()));
    exchange_.exchange(bytes_of(values), bytes_of(arrived), round.answers, sizeof(T), kLabel);
    return arrived;
  }

  const Ownership* ownership_;
  RowExchange exchange_;
  PartRows rows_;
};

PartitionedTopology::Round PartitionedTopology::ask(std::span<const GlobalId> nodes) {
  Round round;
  std::vector<std::int64_t> per_owner(static_cast<std::size_t>(ownership_->ranks()), 0);
  for (const GlobalId node : nodes) ++per_owner[ownership_->rank_of(node).value()];
  std::vector<std::int64_t> next(per_owner.size(), 0);
  for (std::size_t r = 1; r < next.size(); ++r) next[r] = next[r - 1] + per_owner[r - 1];
  Array<GlobalId> ordered(nodes.size());
  for (const GlobalId node : nodes) {
    round.slot.push_back(next[ownership_->rank_of(node).value()]++);
    ordered[round.slot.back()] = node;
  }
  round.questions = {per_owner, exchange_.exchange_counts(per_owner, kLabel)};
  round.answers = {round.questions.receive, round.questions.send};
  round.asked = Array<GlobalId>(static_cast<std::size_t>(round.questions.total_receive()));
  exchange_.exchange(bytes_of(std::as_const(ordered)), bytes_of(round.asked), round.questions,
                     sizeof(GlobalId), kLabel);
  return round;
}

HopResult PartitionedTopology::sample(std::span<const GlobalId> frontier, const HopRequest& request) {
  const Round round = ask(frontier);
  const HopResult own = rows_.sample(round.asked, request);
  Array<std::int64_t> own_counts(round.asked.size());
  for (std::size_t i = 0; i < own_counts.size(); ++i) own_counts[i] = own.indptr[i + 1] - own.indptr[i];
  const Array<std::int64_t> counts = answer(round, own_counts);
  const RowCounts neighbours{sums_by_rank(own_counts, round.answers.send),
                             sums_by_rank(counts, round.answers.receive)};
  Array<GlobalId> arrived(static_cast<std::size_t>(neighbours.total_receive()));
  exchange_.exchange(bytes_of(own.neighbours), bytes_of(arrived), neighbours, sizeof(GlobalId), kLabel);
  std::vector<std::int64_t> begin(counts.size() + 1, 0);
  for (std::size_t i = 0; i < counts.size(); ++i) begin[i + 1] = begin[i] + counts[i];
  HopResult result{Array<std::int64_t>(frontier.size() + 1), Array<GlobalId>(arrived.size())};
  result.indptr[0] = 0;
  for (std::size_t i = 0; i < frontier.size(); ++i) {
    const std::int64_t slot = round.slot[i];
    result.indptr[i + 1] = result.indptr[i] + counts[slot];
    std::copy_n(arrived.begin() + begin[slot], counts[slot], result.neighbours.begin() + result.indptr[i]);
  }
  return result;
}

void PartitionedTopology::describe(std::span<const GlobalId> nodes, bool exclude_self,
                                   std::span<StoreId> store_ids, std::span<std::int64_t> degrees) {
  const Round round = ask(nodes);
  Array<StoreId> own_ids(round.asked.size());
  Array<std::int64_t> own_degrees(round.asked.size());
  rows_.describe(round.asked, exclude_self, own_ids, own_degrees);
  const Array<StoreId> ids = answer(round, own_ids);
  const Array<std::int64_t> arrived = answer(round, own_degrees);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    store_ids[i] = ids[round.slot[i]];
    degrees[i] = arrived[round.slot[i]];
  }
}

}  // namespace

std::unique_ptr<Topology> partitioned_topology(Communicator& comm, Ledger& ledger,
                                               const PartitionedStore& parts, const Ownership& ownership) {
  return std::make_unique<PartitionedTopology>(comm, ledger, parts, ownership);
}

}  // namespace kith
