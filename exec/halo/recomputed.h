#pragma once
#include <memory>
#include <optional>

#include "kith/exec/halo/axes.h"
#include "kith/exec/layer_graph.h"
#include "kith/sampler/owned_data.h"

namespace kith {

/// Nodes of a rank's halo whose first layer it computes as well, as replicas: then they need not cross at the
/// first exchange, and of their in-neighbours the features cross once. All graphs have the rows [owned,
/// replicas]; columns are [owned, replicas, halo], and of the first layer, whose sources are features, also
/// what lies beyond: in-neighbours of replicas that are neither owned nor of the halo.
struct Recomputed {
  std::vector<std::int32_t> places;  ///< in the halo, ascending: replica i is the halo's node places[i]
  std::vector<GlobalId> beyond;      ///< ascending
  HaloLists features;                ///< of what lies beyond, told to its owners
  /// Of the first layer; of the second, where replicas stand for their nodes; of those behind, where halo
  /// rows do and replicas have no sources.
  Csr32 first, second, later;
  std::unique_ptr<LayerGraph> first_graph{}, second_graph{};

  std::int64_t replicas() const { return std::ssize(places); }
};

namespace halo {

/// What a rank knows before.
struct OwnRows {
  const OwnedData& owned;
  std::span<const GlobalId> halo;
  CsrView<std::int32_t> csr;  ///< owned × (owned + halo)
  SelfEdges self_edges;
};

/// Of the halo, the nodes with at most so many in-edges: rising in-edges are rising costs. Nothing where
/// there are none on any rank. Collective.
std::optional<Recomputed> recomputed(const HaloPlanner::Owners& owners, const OwnRows& rows,
                                     std::int64_t most_edges);

/// Id and in-degree, as the graphs want them, of any node of the store.
struct StoredNode {
  StoreId id;
  std::int64_t degree;
};
std::vector<StoredNode> stored_nodes(const PartitionedStore& store, std::span<const GlobalId> nodes,
                                     SelfEdges self_edges);

}  // namespace halo
}  // namespace kith
