// PaGraph's policy (Lin et al., SoCC'20): the remote nodes of highest degree. A node is fetched as often as
// it is drawn as a source, which its number of edges predicts when the graph is symmetric.
#include "kith/sampler/cache_policies.h"

namespace kith::detail {

Array<GlobalId> rank_by_degree(const CacheContext& context, std::int64_t rows) {
  Array<double> degree(static_cast<std::size_t>(context.ownership.nodes()));
  for (Part part{0}; part.value() < context.parts.k(); ++part) {
    const PartView view = context.parts.part(part);
    for (std::int64_t i = 0; i < view.nodes; ++i)
      degree[view.first + i] = static_cast<double>(view.indptr[i + 1] - view.indptr[i]);
  }
  return top_nodes(degree, context, rows);
}

}  // namespace kith::detail
