// What a local graph does for halo nodes whose first layer it computes (halo/recomputed.h).
#include <algorithm>
#include <utility>

#include "kith/exec/halo/values.h"
#include "kith/exec/local_graph.h"

namespace kith {
namespace {

/// [owned, replicas, halo, beyond] of [owned, halo].
template <class T>
Array<T> with_replicas(std::span<const T> values, std::int64_t owned, const Recomputed& replicas,
                       const std::vector<T>& beyond) {
  std::vector<T> all(values.begin(), values.begin() + owned);
  for (const std::int32_t place : replicas.places) all.push_back(values[owned + place]);
  all.insert(all.end(), values.begin() + owned, values.end());
  all.insert(all.end(), beyond.begin(), beyond.end());
  return copy_of(std::span<const T>(all));
}

}  // namespace

void LocalGraph::add_replicas() {
  std::vector<StoreId> ids;
  std::vector<std::int64_t> degrees;
  for (const halo::StoredNode& node :
       halo::stored_nodes(*context_.owned.whole, recomputed_->beyond, self_edges_)) {
    ids.push_back(node.id);
    degrees.push_back(node.degree);
  }
  store_ids_ = with_replicas(std::as_const(store_ids_).span(), owned_, *recomputed_, ids);
  degrees_ = with_replicas(std::as_const(degrees_).span(), owned_, *recomputed_, degrees);
  const std::int64_t sources = computed_rows() + halo();
  recomputed_->first_graph = graph_of(recomputed_->first, sources + std::ssize(recomputed_->beyond));
  recomputed_->second_graph = graph_of(recomputed_->second, sources);
}

HaloLists LocalGraph::without_replicas(const HaloLists& lists) {
  std::vector<GlobalId> nodes;
  std::vector<std::int32_t> places;
  for (const std::int32_t place : lists.halo_rows) {
    if (std::binary_search(recomputed_->places.begin(), recomputed_->places.end(), place)) continue;
    nodes.push_back(halo_[static_cast<std::size_t>(place)]);
    places.push_back(place);
  }
  HaloLists left = halo::told_lists(owners(), nodes);
  left.halo_rows = copy_of(std::span<const std::int32_t>(places));
  return left;
}

}  // namespace kith
