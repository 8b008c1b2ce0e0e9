#include "kith/exec/halo/multicast_plan.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "kith/exec/halo/multicast_trees.h"

namespace kith::halo {
namespace {

constexpr std::size_t kPiece = 256;  // rows of a tree at most, so that links can be equally busy

std::string packed(std::span<const std::int64_t> words) {
  return {reinterpret_cast<const char*>(words.data()), words.size_bytes()};
}

std::vector<std::int64_t> unpacked(const std::string& text) {
  std::vector<std::int64_t> words(text.size() / sizeof(std::int64_t));
  std::memcpy(words.data(), text.data(), words.size() * sizeof(std::int64_t));
  return words;
}

class Planner {
 public:
  Planner(RowExchange& exchange, const HaloLists& lists, double faster)
      : exchange_(exchange),
        comm_(exchange.comm()),
        lists_(lists),
        ranks_(comm_.size()),
        self_(comm_.rank().value()),
        links_{.host = hosts(comm_), .within_host = 1 / faster} {}

  MulticastPlan made() {
    group();
    const std::vector<std::int64_t> ordinals = tell();
    const auto none = std::vector<std::int64_t>(static_cast<std::size_t>(ranks_), 0);
    plan_.counts = {.send = none, .receive = none};
    plan_.messages = none;
    plan_.store_rows = std::ssize(plan_.written);
    lay_out();
    find_needed(ordinals);
    return std::move(plan_);
  }

 private:
  static std::vector<int> hosts(const Communicator& comm) {
    std::map<std::string, int> numbers;
    std::vector<int> of_rank;
    for (int rank = 0; rank < comm.size(); ++rank)
      of_rank.push_back(
          numbers.try_emplace(comm.host_of(Rank(rank)), static_cast<int>(numbers.size())).first->second);
    return of_rank;
  }

  /// This rank's rows by who needs them, in pieces, and all ranks' pieces with their trees.
  void group() {
    std::vector<std::pair<std::int32_t, int>> needs;  // rows and who needs them
    std::int64_t place = 0;
    for (int rank = 0; rank < ranks_; ++rank)
      for (std::int64_t i = 0; i < lists_.counts.send[rank]; ++i)
        needs.emplace_back(lists_.send_rows[place++], rank);
    std::sort(needs.begin(), needs.end());
    std::map<std::vector<int>, std::vector<std::int32_t>> rows_for;
    std::vector<int> ranks;
    for (std::size_t i = 0; i < needs.size(); ++i) {
      ranks.push_back(needs[i].second);
      if (i + 1 < needs.size() && needs[i + 1].first == needs[i].first) continue;
      rows_for[std::exchange(ranks, {})].push_back(needs[i].first);
    }
    std::vector<std::int64_t> words;
    ordinal_.resize(static_cast<std::size_t>(lists_.owned), 0);
    for (const auto& [receivers, rows] : rows_for) {
      for (std::size_t begin = 0; begin < rows.size(); begin += kPiece) {
        words.push_back(static_cast<std::int64_t>(std::min(kPiece, rows.size() - begin)));
        words.push_back(std::ssize(receivers));
        words.insert(words.end(), receivers.begin(), receivers.end());
      }
      for (const std::int32_t row : rows) {
        ordinal_[static_cast<std::size_t>(row)] = std::ssize(plan_.written);
        plan_.written.push_back(row);
      }
    }
    const std::vector<std::string> all = all_gather(comm_, packed(words), "who needs which rows");
    for (int owner = 0; owner < ranks_; ++owner) read(owner, unpacked(all[static_cast<std::size_t>(owner)]));
    trees_ = multicast_trees(links_, groups_);
  }

  void read(int owner, std::span<const std::int64_t> words) {
    first_group_.push_back(groups_.size());
    while (words.size() >= 2) {
      const auto count = static_cast<std::size_t>(words[1]);
      require(count <= words.size() - 2, "a rank says who needs its rows", {{"rank", owner}});
      MulticastGroup group{.owner = owner, .rows = words[0], .needed_by = {}};
      for (const std::int64_t rank : words.subspan(2, count)) {
        require(0 <= rank && rank < ranks_ && rank != owner, "others need a rank's rows", {{"rank", rank}});
        group.needed_by.push_back(static_cast<int>(rank));
      }
      groups_.push_back(std::move(group));
      words = words.subspan(2 + count);
    }
  }

  /// Of every needed row, which of its owner's written ones it is.
  std::vector<std::int64_t> tell() const {
    std::vector<std::int64_t> sent;
    for (const std::int32_t row : lists_.send_rows) sent.push_back(ordinal_[static_cast<std::size_t>(row)]);
    std::vector<std::int64_t> heard(static_cast<std::size_t>(lists_.counts.total_receive()));
    exchange_.exchange(std::as_bytes(std::span(sent)), std::as_writable_bytes(std::span(heard)),
                       lists_.counts, sizeof(std::int64_t),
                       {.what = "telling which rows trees bring", .counter = "setup"});
    return heard;
  }

  /// Where every piece lies that this rank has, and what it does in every stage.
  void lay_out() {
    place_.assign(groups_.size(), 0);
    std::int64_t own = 0;
    int stages = 0;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      if (groups_[g].owner == self_) place_[g] = std::exchange(own, own + groups_[g].rows);
      for (const TreeEdge& edge : trees_[g]) stages = std::max(stages, edge.stage + 1);
    }
    for (int stage = 0; stage < stages; ++stage) plan_.stages.push_back(stage_of(stage));
  }

  ExchangeStage stage_of(int number) {
    std::map<int, std::vector<std::size_t>> from, to;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      for (const TreeEdge& edge : trees_[g]) {
        if (edge.stage != number) continue;
        if (edge.to == self_) from[edge.from].push_back(g);
        if (edge.from == self_) to[edge.to].push_back(g);
      }
    }
    ExchangeStage stage;
    for (const auto& [rank, groups] : to) {
      ExchangeStage::Leaving leaving{.to = Rank(rank), .rows = {}};
      for (const std::size_t g : groups)
        for (std::int64_t i = 0; i < groups_[g].rows; ++i) leaving.rows.push_back(place_[g] + i);
      plan_.counts.send[rank] += std::ssize(leaving.rows);
      ++plan_.messages[rank];
      stage.leaving.push_back(std::move(leaving));
    }
    for (const auto& [rank, groups] : from) {
      const std::int64_t first = plan_.store_rows;
      for (const std::size_t g : groups)
        place_[g] = std::exchange(plan_.store_rows, plan_.store_rows + groups_[g].rows);
      plan_.counts.receive[rank] += plan_.store_rows - first;
      stage.coming.push_back({Rank(rank), first, plan_.store_rows - first});
    }
    return stage;
  }

  void find_needed(std::span<const std::int64_t> ordinals) {
    for (int owner = 0; owner < ranks_; ++owner) {
      const auto begin = groups_.begin() + static_cast<std::ptrdiff_t>(first_group_[owner]);
      const auto end = owner + 1 < ranks_
                           ? groups_.begin() + static_cast<std::ptrdiff_t>(first_group_[owner + 1])
                           : groups_.end();
      std::vector<std::int64_t> first;  // ordinals of the owner's pieces
      std::int64_t next = 0;
      for (auto group = begin; group != end; ++group)
        first.push_back(std::exchange(next, next + group->rows));
      for (std::int64_t i = 0; i < lists_.counts.receive[owner]; ++i) {
        const std::int64_t ordinal = ordinals.front();
        ordinals = ordinals.subspan(1);
        require(0 <= ordinal && ordinal < next, "a needed row is one of its owner's", {{"row", ordinal}});
        const auto piece = std::upper_bound(first.begin(), first.end(), ordinal) - first.begin() - 1;
        plan_.needed.push_back(place_[first_group_[owner] + static_cast<std::size_t>(piece)] + ordinal -
                               first[static_cast<std::size_t>(piece)]);
      }
    }
  }

  RowExchange& exchange_;
  Communicator& comm_;
  const HaloLists& lists_;
  int ranks_, self_;
  TreeLinks links_;
  MulticastPlan plan_;
  std::vector<std::int64_t> ordinal_;     ///< [owned] among the rows that are written
  std::vector<MulticastGroup> groups_;    ///< by owner
  std::vector<std::size_t> first_group_;  ///< [ranks]
  std::vector<std::vector<TreeEdge>> trees_;
  std::vector<std::int64_t> place_;  ///< [groups] in this rank's store
};

}  // namespace

MulticastPlan multicast_plan(RowExchange& exchange, const HaloLists& lists, double faster) {
  return Planner(exchange, lists, faster).made();
}

}  // namespace kith::halo
