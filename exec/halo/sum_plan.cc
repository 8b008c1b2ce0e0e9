// The receiver knows the edges that are cut, chooses which of their sources cross as they are and which of
// their destinations as sums, and tells the owners: so these get the edges that they sum over, once.
#include "kith/exec/halo/sum_plan.h"

#include <algorithm>
#include <numeric>

#include "kith/exec/halo/told.h"
#include "kith/graph/builders.h"

namespace kith {

Array<float> SumPlan::column_scale(std::span<const float> of_nodes) const {
  const UseMemory host(nullptr);
  if (of_nodes.empty()) return {};
  const auto owned = static_cast<std::size_t>(csr.n());
  Array<float> scale(owned + static_cast<std::size_t>(lists.halo), 1.0f);
  std::copy_n(of_nodes.begin(), owned, scale.begin());
  return scale;
}

namespace halo {
namespace {

constexpr std::int32_t kAbsent = -1;

/// What one rank asks of others, in the order of the ranks and of the rows on the wire.
struct Asked {
  std::vector<std::int64_t> rows, sources;  ///< how many of each rank
  std::vector<std::int64_t> lengths;        ///< of a row: how many sources it sums
  std::vector<StoreId> labels;              ///< its node
  std::vector<GlobalId> nodes;              ///< the sources, row by row
};

class Receiver {
 public:
  Receiver(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo, const CutRows& rows)
      : owners_(owners), halo_(halo), rows_(rows) {
    const auto ranks = static_cast<std::size_t>(owners.rows.comm().size());
    asked_.rows.assign(ranks, 0);
    asked_.sources.assign(ranks, 0);
    place_.assign(static_cast<std::size_t>(owners.owned) + halo.size(), kAbsent);
  }

  void choose(SumPlan& plan, const CoverRule& rule) {
    const CoveredCuts cuts = covered_cuts(owners_, halo_, rows_, rule);
    plan.pairs = cuts.pairs;
    plan.least = cuts.least;
    for (std::size_t rank = 0; rank < cuts.edges.size(); ++rank) {
      if (cuts.edges[rank].rows.empty()) continue;
      const std::size_t before = asked_.lengths.size(), nodes = asked_.nodes.size();
      ask_rows(cuts.edges[rank], cuts.covers[rank]);
      ask_sums(cuts.edges[rank], cuts.covers[rank]);
      asked_.rows[rank] = static_cast<std::int64_t>(asked_.lengths.size() - before);
      asked_.sources[rank] = static_cast<std::int64_t>(asked_.nodes.size() - nodes);
    }
    plan.sums = std::count_if(asked_.lengths.begin(), asked_.lengths.end(),
                              [](std::int64_t length) { return length > 1; });
  }

  /// Own sources as they are, then what arrives: rows where their sources stood, sums at the end.
  Csr32 csr() const {
    const auto owned = owners_.owned;
    Csr32 csr{Array<std::int64_t>(static_cast<std::size_t>(owned) + 1, 0), {}};
    const auto stays = [&](std::int32_t c) { return c < owned || place_[c] != kAbsent; };
    for (std::int64_t row = 0; row < owned; ++row)
      if (rows_.wanted[row]) csr.indptr[row + 1] = std::ranges::count_if(rows_.csr.row(row), stays);
    for (const Sum& sum : sums_) ++csr.indptr[sum.row + 1];
    std::partial_sum(csr.indptr.begin(), csr.indptr.end(), csr.indptr.begin());
    csr.indices = Array<std::int32_t>(static_cast<std::size_t>(csr.indptr.back()));
    std::vector<std::int64_t> next(csr.indptr.begin(), csr.indptr.end() - 1);
    for (std::int64_t row = 0; row < owned; ++row) {
      if (!rows_.wanted[row]) continue;
      for (const std::int32_t c : rows_.csr.row(row))
        if (stays(c)) csr.indices[next[row]++] = c < owned ? c : arriving(place_[c]);
    }
    for (const Sum& sum : sums_) csr.indices[next[sum.row]++] = arriving(sum.place);
    return csr;
  }

  const Asked& asked() const { return asked_; }

 private:
  struct Sum {
    std::int32_t row, place;
  };

  std::int32_t arriving(std::int32_t place) const { return static_cast<std::int32_t>(owners_.owned) + place; }
  std::int32_t next_place() const { return static_cast<std::int32_t>(asked_.lengths.size()); }
  GlobalId node(std::int32_t column) const { return halo_[static_cast<std::size_t>(column - owners_.owned)]; }

  void ask_rows(const CutEdges& cut, const VertexCover& cover) {
    std::vector<std::int32_t> columns;
    for (std::size_t c = 0; c < cut.columns.size(); ++c)
      if (cover.columns[c]) columns.push_back(cut.columns[c]);
    std::sort(columns.begin(), columns.end());
    for (const std::int32_t column : columns) {
      place_[column] = next_place();
      asked_.lengths.push_back(1);
      asked_.labels.push_back(rows_.ids[column]);
      asked_.nodes.push_back(node(column));
    }
  }

  /// Of what no row brings. Where both ends of an edge are covered, the source's row serves.
  void ask_sums(const CutEdges& cut, const VertexCover& cover) {
    for (std::size_t r = 0; r < cut.rows.size(); ++r) {
      if (!cover.rows[r]) continue;
      const std::size_t before = asked_.nodes.size();
      for (const std::int32_t c : cut.graph().edges.row(static_cast<std::int64_t>(r)))
        if (!cover.columns[c]) asked_.nodes.push_back(node(cut.columns[c]));
      if (asked_.nodes.size() == before) continue;
      sums_.push_back({cut.rows[r], next_place()});
      asked_.lengths.push_back(static_cast<std::int64_t>(asked_.nodes.size() - before));
      asked_.labels.push_back(rows_.ids[cut.rows[r]]);
    }
  }

  const HaloPlanner::Owners& owners_;
  std::span<const GlobalId> halo_;
  const CutRows& rows_;
  Asked asked_;
  std::vector<std::int32_t> place_;  ///< [owned + halo] among what arrives, of a source that crosses
  std::vector<Sum> sums_;            ///< in the order of the wire
};

/// A row that stands for one node alone is that one's, whoever gets it; a sum is like no other.
Array<std::int32_t> alike(CsrView<std::int32_t> sent, std::span<const StoreId> labels,
                          std::span<const StoreId> ids) {
  Array<std::int32_t> numbers(labels.size());
  for (std::int64_t i = 0; i < sent.n(); ++i) {
    const auto sources = sent.row(i);
    const bool alone = sources.size() == 1 && ids[sources.front()] == labels[i];
    numbers[i] = alone ? sources.front() : static_cast<std::int32_t>(-1 - i);
  }
  return numbers;
}

/// What others asked of this rank: a row for each, of the owned rows it sums.
void tell(const HaloPlanner::Owners& owners, const Asked& asked, const CutRows& rows, SumPlan& plan) {
  RowExchange& exchange = owners.rows;
  plan.lists.counts.receive = asked.rows;
  std::vector<std::int64_t> sources;
  const Array<std::int64_t> lengths = told(exchange, asked.lengths, asked.rows, plan.lists.counts.send);
  const Array<StoreId> labels = told(exchange, asked.labels, asked.rows, plan.lists.counts.send);
  const Array<GlobalId> nodes = told(exchange, asked.nodes, asked.sources, sources);

  plan.lists.owned = lengths.ssize();
  plan.lists.halo = std::ssize(asked.lengths);
  plan.lists.send_rows = Array<std::int32_t>(lengths.size());
  std::iota(plan.lists.send_rows.begin(), plan.lists.send_rows.end(), 0);
  plan.ids = Array<StoreId>(labels.size() + asked.labels.size());
  std::copy(asked.labels.begin(), asked.labels.end(),
            std::copy(labels.begin(), labels.end(), plan.ids.begin()));
  plan.sent = {Array<std::int64_t>(lengths.size() + 1, 0), Array<std::int32_t>(nodes.size())};
  std::partial_sum(lengths.begin(), lengths.end(), plan.sent.indptr.begin() + 1);
  require(plan.sent.m() == nodes.ssize(), "a rank names the sources of every sum it asks for",
          {{"sources", nodes.ssize()}, {"expected", plan.sent.m()}});
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::int64_t row = nodes[i].value() - owners.first;
    require(0 <= row && row < owners.owned, "a rank asks for sums of rows that this rank owns",
            {{"row", row}, {"owned", owners.owned}});
    plan.sent.indices[i] = static_cast<std::int32_t>(row);
  }
  plan.sent_by_row = transposed(plan.sent.view(), owners.owned);
  plan.lists.alike = alike(plan.sent.view(), labels.span(), rows.ids);
}

}  // namespace

SumPlan summed(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo, const CutRows& rows,
               const CoverRule& rule) {
  SumPlan plan;
  Receiver receiver(owners, halo, rows);
  receiver.choose(plan, rule);
  tell(owners, receiver.asked(), rows, plan);
  plan.csr = receiver.csr();
  return plan;
}

}  // namespace halo
}  // namespace kith
