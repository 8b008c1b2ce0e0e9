#include "kith/exec/halo/host_plan.h"

#include <algorithm>
#include <numeric>

namespace kith::halo {
namespace {

class Planner {
 public:
  Planner(RowExchange& exchange, const SharedExchange& shared, const HaloLists& lists)
      : exchange_(exchange),
        shared_(shared),
        lists_(lists),
        self_(exchange.comm().rank().value()),
        begin_(lists.counts.send.size() + 1, 0),
        told_(lists.counts.send.size()) {
    std::partial_sum(lists.counts.send.begin(), lists.counts.send.end(), begin_.begin() + 1);
  }

  HostPlan made() {
    for (int rank = 0; rank < ranks(); ++rank)
      if (near(rank) && count(rank) > 0) leave(rank, rows_for(rank));
    for (int first = 0; first < ranks(); ++first)
      if (shared_.group_of(Rank(first)) == first && !near(first)) leave_for(first);
    hear(tell());
    return std::move(plan_);
  }

 private:
  /// A row that is sent, by what it holds: equal keys, equal rows.
  using Keyed = std::pair<std::int32_t, std::int32_t>;

  int ranks() const { return static_cast<int>(lists_.counts.send.size()); }
  std::int64_t count(int rank) const { return lists_.counts.send[rank]; }
  bool near(int rank) const { return shared_.group_of(Rank(rank)) == shared_.group_of(Rank(self_)); }

  std::vector<Keyed> rows_for(int rank) const {
    std::vector<Keyed> rows;
    for (std::int64_t place = begin_[rank]; place < begin_[rank + 1]; ++place) {
      const std::int32_t row = lists_.send_rows[place];
      rows.emplace_back(lists_.alike.empty() ? row : lists_.alike[row], row);
    }
    return rows;
  }

  void leave(int to, std::span<const Keyed> rows) {
    plan_.leaving.push_back({Rank(to), std::ssize(plan_.written), std::ssize(rows)});
    for (const auto& [key, row] : rows) plan_.written.push_back(row);
  }

  /// The ranks that share memory with `first`. Where none of them needs what another one does, each gets its
  /// own.
  void leave_for(int first) {
    std::vector<int> members;
    std::vector<Keyed> all;
    for (int rank = first; rank < ranks(); ++rank) {
      if (shared_.group_of(Rank(rank)) != first || count(rank) == 0) continue;
      members.push_back(rank);
      const std::vector<Keyed> rows = rows_for(rank);
      all.insert(all.end(), rows.begin(), rows.end());
    }
    const std::size_t needed = all.size();
    sort_out(all);
    if (all.size() == needed) {
      for (const int rank : members) leave_through(rank, {rank}, rows_for(rank));
    } else {
      leave_through(members[static_cast<std::size_t>(self_) % members.size()], members, all);
    }
  }

  static void sort_out(std::vector<Keyed>& rows) {
    std::sort(rows.begin(), rows.end());
    const auto same = [](const Keyed& a, const Keyed& b) { return a.first == b.first; };
    rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
  }

  /// Tells each the gateway, how many rows that gets, how many of them every rank needs, and where its own
  /// lie.
  void leave_through(int gateway, const std::vector<int>& members, std::vector<Keyed> all) {
    sort_out(all);
    leave(gateway, all);
    std::vector<std::int64_t> same{gateway, std::ssize(all)};
    same.resize(2 + told_.size(), 0);
    for (const int member : members) same[2 + static_cast<std::size_t>(member)] = count(member);
    for (const int member : members) {
      std::vector<std::int64_t>& words = told_[static_cast<std::size_t>(member)];
      words = same;
      for (const Keyed& row : rows_for(member)) {
        const auto found = std::lower_bound(all.begin(), all.end(), Keyed{row.first, 0});
        words.push_back(found - all.begin());
      }
    }
  }

  std::int64_t words_for(std::int64_t rows) const { return rows == 0 ? 0 : 2 + ranks() + rows; }

  std::vector<std::int64_t> tell() {
    RowCounts counts{.send = std::vector<std::int64_t>(told_.size(), 0),
                     .receive = std::vector<std::int64_t>(told_.size(), 0)};
    std::vector<std::int64_t> words;
    for (int rank = 0; rank < ranks(); ++rank) {
      words.insert(words.end(), told_[rank].begin(), told_[rank].end());
      counts.send[rank] = std::ssize(told_[rank]);
      if (!near(rank)) counts.receive[rank] = words_for(lists_.counts.receive[rank]);
    }
    std::vector<std::int64_t> heard(static_cast<std::size_t>(counts.total_receive()));
    exchange_.exchange(std::as_bytes(std::span(words)), std::as_writable_bytes(std::span(heard)), counts,
                       sizeof(std::int64_t),
                       {.what = "telling hosts which rows they share", .counter = "setup"});
    return heard;
  }

  void hear(std::span<const std::int64_t> words) {
    for (int rank = 0; rank < ranks(); ++rank) {
      const std::int64_t needed = lists_.counts.receive[rank];
      if (needed == 0) continue;
      HostPlan::Coming coming{.sender = Rank(rank), .needed = needed, .gateway = Rank(rank), .rows = needed};
      if (!near(rank)) {
        const auto size = static_cast<std::size_t>(words_for(needed));
        hear(words.first(size), coming);
        words = words.subspan(size);
      }
      plan_.coming.push_back(std::move(coming));
    }
  }

  void hear(std::span<const std::int64_t> words, HostPlan::Coming& coming) const {
    require(
        0 <= words[0] && words[0] < ranks() && near(static_cast<int>(words[0])) && coming.needed <= words[1],
        "rows for a host come through one of its ranks", {{"rank", words[0]}, {"rows", words[1]}});
    coming.gateway = Rank(static_cast<int>(words[0]));
    coming.rows = words[1];
    for (int other = 0; other < ranks(); ++other) {
      const std::int64_t needed = words[2 + static_cast<std::size_t>(other)];
      if (coming.gateway == Rank(self_) && other != self_ && needed > 0)
        coming.readers.emplace_back(Rank(other), needed);
    }
    const auto places = words.subspan(2 + told_.size());
    std::vector<std::int64_t> all(static_cast<std::size_t>(coming.rows));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    for (const std::int64_t place : places)
      require(0 <= place && place < coming.rows, "a row for a rank is one of its host's",
              {{"place", place}, {"rows", coming.rows}});
    if (!std::equal(places.begin(), places.end(), all.begin(), all.end()))
      coming.places.assign(places.begin(), places.end());
  }

  RowExchange& exchange_;
  const SharedExchange& shared_;
  const HaloLists& lists_;
  int self_;
  std::vector<std::int64_t> begin_;  ///< of every rank's rows among those that are sent
  HostPlan plan_;
  std::vector<std::vector<std::int64_t>> told_;  ///< [ranks]
};

}  // namespace

HostPlan host_plan(RowExchange& exchange, const SharedExchange& shared, const HaloLists& lists) {
  return Planner(exchange, shared, lists).made();
}

}  // namespace kith::halo
