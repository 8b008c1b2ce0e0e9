// The ranks are a grid of groups × copies. Of group g, rank j hears the groups q with q mod copies = j, and
// makes what their rows are to any destination of group g: so the edges into a destination lie with the ranks
// of its group by their source, those from its own rank's nodes apart, which stay.
#include "kith/exec/halo/replicated_plan.h"

#include <algorithm>
#include <numeric>

#include "kith/exec/halo/told.h"

namespace kith {

Array<float> ReplicatedPlan::column_scale(std::span<const float> of_nodes) const {
  const UseMemory host(nullptr);
  if (of_nodes.empty()) return {};
  const auto owned = static_cast<std::size_t>(rows.owned);
  Array<float> scale(owned + static_cast<std::size_t>(rows.halo), 1.0f);
  std::copy_n(of_nodes.begin(), owned, scale.begin());
  return scale;
}

namespace halo {
namespace {

/// An edge into a destination of another rank, by its row there.
struct Entry {
  std::int64_t row;
  std::int32_t column;
};

Csr32 csr_of(std::int64_t rows, std::span<const Entry> entries) {
  Csr32 csr{Array<std::int64_t>(static_cast<std::size_t>(rows) + 1, std::int64_t{0}),
            Array<std::int32_t>(entries.size())};
  for (const Entry& entry : entries) ++csr.indptr[entry.row + 1];
  std::partial_sum(csr.indptr.begin(), csr.indptr.end(), csr.indptr.begin());
  std::vector<std::int64_t> next(csr.indptr.begin(), csr.indptr.end() - 1);
  for (const Entry& entry : entries) csr.indices[next[static_cast<std::size_t>(entry.row)]++] = entry.column;
  return csr;
}

void append_numbers(std::vector<std::int32_t>& numbers, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) numbers.push_back(static_cast<std::int32_t>(i));
}

class Grid {
 public:
  Grid(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo, const CutRows& rows, int copies)
      : owners_(owners),
        halo_(halo),
        rows_(rows),
        copies_(copies),
        ranks_(owners.rows.comm().size()),
        self_(owners.rows.comm().rank().value()),
        first_column_(static_cast<std::size_t>(ranks_), kNotHeard) {
    require(copies >= 1 && ranks_ % copies == 0, "groups of ranks are equally large",
            {{"ranks", ranks_}, {"copies", copies}});
  }

  ReplicatedPlan made() {
    list_rows();
    list_sums();
    share_out();
    std::vector<Entry> own, merged;
    for (std::int64_t i = 0; i < owners_.owned; ++i) own.push_back({i, static_cast<std::int32_t>(i)});
    plan_.each = csr_of(owners_.owned, own);
    for (std::int64_t copy = 0; copy + 1 < copies_; ++copy)
      for (std::int64_t i = 0; i < owners_.owned; ++i)
        merged.push_back({i, static_cast<std::int32_t>(copy * owners_.owned + i)});
    plan_.merge = csr_of(owners_.owned, merged);
    return std::move(plan_);
  }

 private:
  static constexpr std::int64_t kNotHeard = -1;

  int group(int rank) const { return rank / copies_; }
  /// Who makes for a group what the rows of a rank are to it.
  int helper(int group, int source) const { return group * copies_ + this->group(source) % copies_; }
  std::int64_t owned_of(int rank) const { return owners_.begins[rank + 1] - owners_.begins[rank]; }
  HaloLists empty_lists(std::int64_t owned) const {
    HaloLists lists{.owned = owned};
    lists.counts.send.assign(static_cast<std::size_t>(ranks_), 0);
    lists.counts.receive = lists.counts.send;
    return lists;
  }

  void list_rows() {
    HaloLists lists = empty_lists(owners_.owned);
    std::vector<std::int32_t> sent;
    for (int rank = 0; rank < ranks_; ++rank) {
      if (helper(group(self_), rank) == self_) {
        first_column_[rank] = rank == self_ ? 0 : owners_.owned + lists.halo;
        if (rank != self_) lists.halo += lists.counts.receive[rank] = owned_of(rank);
      }
      if (rank == self_ || helper(group(rank), self_) != rank) continue;
      lists.counts.send[rank] = owners_.owned;
      append_numbers(sent, owners_.owned);
    }
    lists.send_rows = copy_of(std::span<const std::int32_t>(sent));
    plan_.row_ids = ids_over(lists, rows_.ids.first(static_cast<std::size_t>(owners_.owned)));
    plan_.rows = std::move(lists);
  }

  void list_sums() {
    HaloLists lists = empty_lists(0);
    for (int rank = group(self_) * copies_; rank < (group(self_) + 1) * copies_; ++rank) {
      first_sum_.push_back(lists.owned);
      if (rank == self_) continue;
      lists.owned += lists.counts.send[rank] = owned_of(rank);
      lists.halo += lists.counts.receive[rank] = owners_.owned;
    }
    std::vector<std::int32_t> sent;
    append_numbers(sent, lists.owned);
    lists.send_rows = copy_of(std::span<const std::int32_t>(sent));
    plan_.sum_ids = ids_of_sums(lists);
    plan_.sums = std::move(lists);
  }

  /// Own ids, then those of the rows that lists bring.
  Array<StoreId> ids_over(const HaloLists& lists, std::span<const StoreId> own) const {
    std::vector<StoreId> sent;
    for (const std::int32_t row : lists.send_rows) sent.push_back(own[static_cast<std::size_t>(row)]);
    Array<StoreId> all(own.size() + static_cast<std::size_t>(lists.halo));
    std::copy(own.begin(), own.end(), all.begin());
    exchange(sent, all.span().subspan(own.size()), lists.counts);
    return all;
  }

  /// The destinations of the sums made here, which their ranks say, then this rank's own for every other one.
  Array<StoreId> ids_of_sums(const HaloLists& lists) const {
    const auto own = rows_.ids.first(static_cast<std::size_t>(owners_.owned));
    std::vector<StoreId> repeated;
    for (int copy = 0; copy + 1 < copies_; ++copy) repeated.insert(repeated.end(), own.begin(), own.end());
    Array<StoreId> all(static_cast<std::size_t>(lists.owned) + repeated.size());
    exchange(repeated, all.span().first(static_cast<std::size_t>(lists.owned)),
             {.send = lists.counts.receive, .receive = lists.counts.send});
    std::copy(repeated.begin(), repeated.end(), all.begin() + lists.owned);
    return all;
  }

  void exchange(std::span<const StoreId> sent, std::span<StoreId> arriving, const RowCounts& counts) const {
    owners_.rows.exchange(std::as_bytes(sent), std::as_writable_bytes(arriving), counts, sizeof(StoreId),
                          {.what = "telling groups of ranks whose rows they sum", .counter = "setup"});
  }

  /// Of a source that this rank has or hears.
  std::int32_t column(GlobalId source) const {
    const int rank = owners_.owner(source).value();
    const std::int64_t first = rank == self_ ? 0 : first_column_[static_cast<std::size_t>(rank)];
    require(first != kNotHeard, "a rank sums over rows that it has", {{"rank", rank}});
    return static_cast<std::int32_t>(first + source.value() - owners_.begins[rank]);
  }

  void share_out() {
    std::vector<Entry> kept;
    std::vector<std::vector<std::int64_t>> rows(static_cast<std::size_t>(ranks_));
    std::vector<std::vector<GlobalId>> sources(rows.size());
    for (std::int64_t row = 0; row < owners_.owned; ++row) {
      for (const std::int32_t c : rows_.csr.row(row)) {
        if (c < owners_.owned) {
          kept.push_back({row, c});
          continue;
        }
        const GlobalId source = halo_[static_cast<std::size_t>(c - owners_.owned)];
        const int rank = helper(group(self_), owners_.owner(source).value());
        if (rank == self_) {
          kept.push_back({row, column(source)});
        } else {
          rows[rank].push_back(row);
          sources[rank].push_back(source);
        }
      }
    }
    plan_.csr = csr_of(owners_.owned, kept);
    take_over(rows, sources);
  }

  void take_over(const std::vector<std::vector<std::int64_t>>& rows,
                 const std::vector<std::vector<GlobalId>>& sources) {
    std::vector<std::int64_t> counts, all_rows, arriving;
    std::vector<GlobalId> all_sources;
    for (std::size_t rank = 0; rank < rows.size(); ++rank) {
      counts.push_back(std::ssize(rows[rank]));
      all_rows.insert(all_rows.end(), rows[rank].begin(), rows[rank].end());
      all_sources.insert(all_sources.end(), sources[rank].begin(), sources[rank].end());
    }
    const Array<std::int64_t> destinations = told(owners_.rows, all_rows, counts, arriving);
    const Array<GlobalId> nodes = told(owners_.rows, all_sources, counts, arriving);
    std::vector<Entry> made;
    std::int64_t next = 0;
    for (int rank = 0; rank < ranks_; ++rank) {
      require(arriving[rank] == 0 || group(rank) == group(self_), "edges stay in a group of ranks");
      for (const std::int64_t end = next + arriving[rank]; next < end; ++next) {
        require(0 <= destinations[next] && destinations[next] < owned_of(rank),
                "a rank asks for sums of its own rows", {{"row", destinations[next]}});
        const std::int64_t first = first_sum_[static_cast<std::size_t>(rank - group(self_) * copies_)];
        made.push_back({first + destinations[next], column(nodes[next])});
      }
    }
    plan_.sent = csr_of(plan_.sums.owned, made);
  }

  const HaloPlanner::Owners& owners_;
  std::span<const GlobalId> halo_;
  const CutRows& rows_;
  int copies_, ranks_, self_;
  std::vector<std::int64_t> first_column_;  ///< [ranks] of the rows that are heard
  std::vector<std::int64_t> first_sum_;     ///< [copies] of each rank of the group
  ReplicatedPlan plan_;
};

}  // namespace

ReplicatedPlan replicated_plan(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo,
                               const CutRows& rows, int copies) {
  return Grid(owners, halo, rows, copies).made();
}

}  // namespace halo
}  // namespace kith
