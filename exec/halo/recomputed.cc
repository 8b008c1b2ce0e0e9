// Dependencies cached or communicated (NeutronStar, Wang et al. 2022): a halo node's row behind the first
// layer either crosses at every step or is computed where it is wanted, from its in-neighbours' features,
// which cross once. Computing it costs its in-edges and one row of the layer's product, fetching it its bytes
// both ways, so the cheapest to compute are those of few in-edges, whatever a machine's speeds: a bound says
// how far to go. Rows behind deeper layers would want neighbourhoods of neighbourhoods, which soon are the
// whole graph; they cross. A replica's gradient ends in the weights of the rank that computes it, and the sum
// over ranks is that of one rank.
#include "kith/exec/halo/recomputed.h"

#include <algorithm>
#include <functional>

#include "kith/core/memory_kind.h"
#include "kith/datasets/sound.h"
#include "kith/exec/halo/values.h"
#include "kith/sampler/range_lookup.h"

namespace kith::halo {
namespace {

/// Rows of all parts, as they are stored.
class AllRows {
 public:
  explicit AllRows(const PartitionedStore& store) : lookup_(store.first()) {
    for (Part part{0}; part.value() < store.k(); ++part) {
      expect_sound(store, part);
      parts_.push_back(store.part(part));
    }
  }
  StoreId id(GlobalId node) const {
    const PartView& part = part_of(node);
    return StoreId{part.store_ids[static_cast<std::size_t>(node.value() - part.first)]};
  }
  std::int64_t length(GlobalId node) const {
    const PartView& part = part_of(node);
    const std::int64_t row = node.value() - part.first;
    return part.indptr[row + 1] - part.indptr[row];
  }
  /// f(source) for the in-neighbours of a node, without itself unless self-edges are as stored.
  template <class F>
  void for_sources(GlobalId node, SelfEdges self_edges, F&& f) const {
    const PartView& part = part_of(node);
    const std::int64_t row = node.value() - part.first;
    part.indices.visit([&](auto indices) {
      for (std::int64_t e = part.indptr[row]; e < part.indptr[row + 1]; ++e)
        if (self_edges == SelfEdges::as_stored || indices[e] != node.value()) f(GlobalId{indices[e]});
    });
  }

 private:
  const PartView& part_of(GlobalId node) const { return parts_[lookup_.range_of(node.value())]; }
  RangeLookup lookup_;
  std::vector<PartView> parts_;
};

std::int32_t place_in(std::span<const GlobalId> sorted, GlobalId node) {
  constexpr std::int32_t kAbsent = -1;
  const auto found = std::lower_bound(sorted.begin(), sorted.end(), node);
  return found == sorted.end() || *found != node ? kAbsent
                                                 : static_cast<std::int32_t>(found - sorted.begin());
}

/// Where columns of the own rows and of replicas stand.
class Columns {
 public:
  Columns(const OwnRows& rows, const Recomputed& replicas)
      : rows_(rows), replicas_(replicas), replica_of_(rows.halo.size(), kNone) {
    for (std::size_t i = 0; i < replicas.places.size(); ++i)
      replica_of_[static_cast<std::size_t>(replicas.places[i])] = static_cast<std::int32_t>(i);
  }
  std::int32_t owned() const { return static_cast<std::int32_t>(rows_.csr.n()); }
  std::int32_t replica(std::int64_t i) const { return owned() + static_cast<std::int32_t>(i); }
  std::int32_t halo(std::int32_t place) const { return replica(replicas_.replicas()) + place; }
  /// The replica where there is one.
  std::int32_t computed(std::int32_t place) const {
    const std::int32_t i = replica_of_[static_cast<std::size_t>(place)];
    return i == kNone ? halo(place) : replica(i);
  }
  /// Of features.
  std::int32_t of(GlobalId node) const {
    const std::int64_t row = node.value() - rows_.owned.first;
    if (0 <= row && row < rows_.csr.n()) return static_cast<std::int32_t>(row);
    const std::int32_t place = place_in(rows_.halo, node);
    if (place >= 0) return halo(place);
    return halo(static_cast<std::int32_t>(rows_.halo.size())) + place_in(replicas_.beyond, node);
  }

 private:
  static constexpr std::int32_t kNone = -1;
  const OwnRows& rows_;
  const Recomputed& replicas_;
  std::vector<std::int32_t> replica_of_;  ///< [halo]
};

/// The own rows with the halo's columns as `column(place)` has them, then a row for each replica.
Csr32 with_replicas(const OwnRows& rows, std::int64_t replicas,
                    const std::function<std::int32_t(std::int32_t place)>& column,
                    const std::function<void(std::int64_t replica, std::vector<std::int32_t>& row)>& row) {
  const auto owned = static_cast<std::int32_t>(rows.csr.n());
  std::vector<std::int64_t> indptr(rows.csr.indptr.begin(), rows.csr.indptr.end());
  std::vector<std::int32_t> more;
  for (std::int64_t i = 0; i < replicas; ++i) {
    row(i, more);
    indptr.push_back(rows.csr.m() + std::ssize(more));
  }
  Csr32 csr{copy_of(std::span<const std::int64_t>(indptr)),
            Array<std::int32_t>(static_cast<std::size_t>(indptr.back()))};
  std::int32_t* out =
      std::transform(rows.csr.indices.begin(), rows.csr.indices.begin() + rows.csr.m(), csr.indices.begin(),
                     [&](std::int32_t c) { return c < owned ? c : column(c - owned); });
  std::copy(more.begin(), more.end(), out);
  return csr;
}

std::vector<GlobalId> beyond_of(const AllRows& stored, const OwnRows& rows, const Recomputed& replicas) {
  std::vector<GlobalId> beyond;
  for (const std::int32_t place : replicas.places)
    stored.for_sources(rows.halo[static_cast<std::size_t>(place)], rows.self_edges, [&](GlobalId source) {
      const std::int64_t row = source.value() - rows.owned.first;
      if ((row < 0 || row >= rows.csr.n()) && place_in(rows.halo, source) < 0) beyond.push_back(source);
    });
  std::sort(beyond.begin(), beyond.end());
  beyond.erase(std::unique(beyond.begin(), beyond.end()), beyond.end());
  return beyond;
}

}  // namespace

std::optional<Recomputed> recomputed(const HaloPlanner::Owners& owners, const OwnRows& rows,
                                     std::int64_t most_edges) {
  const MemoryUse use(MemoryKind::graph);
  const AllRows stored(*rows.owned.whole);
  Recomputed all;
  for (std::size_t place = 0; place < rows.halo.size(); ++place)
    if (stored.length(rows.halo[place]) <= most_edges) all.places.push_back(static_cast<std::int32_t>(place));
  const std::int64_t most =
      all_reduce_max(owners.rows.comm(), all.replicas(), "how many rows are computed more than once");
  if (most == 0) return std::nullopt;
  all.beyond = beyond_of(stored, rows, all);
  all.features = told_lists(owners, all.beyond);
  const Columns columns(rows, all);
  const bool adds = rows.self_edges == SelfEdges::explicit_edges;
  const auto itself = [&](std::int64_t i, std::vector<std::int32_t>& row) {
    if (adds) row.push_back(columns.replica(i));
  };
  const auto by_halo = [&](std::int32_t place) { return columns.halo(place); };
  all.first =
      with_replicas(rows, all.replicas(), by_halo, [&](std::int64_t i, std::vector<std::int32_t>& row) {
        const GlobalId node = rows.halo[static_cast<std::size_t>(all.places[static_cast<std::size_t>(i)])];
        stored.for_sources(node, rows.self_edges,
                           [&](GlobalId source) { row.push_back(columns.of(source)); });
        itself(i, row);
      });
  all.second = with_replicas(
      rows, all.replicas(), [&](std::int32_t place) { return columns.computed(place); }, itself);
  all.later = with_replicas(rows, all.replicas(), by_halo, itself);
  return all;
}

std::vector<StoredNode> stored_nodes(const PartitionedStore& store, std::span<const GlobalId> nodes,
                                     SelfEdges self_edges) {
  const AllRows stored(store);
  std::vector<StoredNode> found;
  for (const GlobalId node : nodes) {
    std::int64_t degree = 0;
    stored.for_sources(node, self_edges, [&](GlobalId) { ++degree; });
    found.push_back({stored.id(node), degree});
  }
  return found;
}

}  // namespace kith::halo
