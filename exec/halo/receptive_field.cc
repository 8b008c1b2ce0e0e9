// A loss over the train nodes reaches back, layer by layer, to their neighbourhood only: what lies outside of
// it need not cross. Of the last layer's halo that leaves the sources of train nodes alone; nothing is lost.
// The first exchanges mostly need every row again, as neighbourhoods grow.
#include <algorithm>

#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

/// The rows and all their sources.
std::vector<bool> sources_of(CsrView<std::int32_t> csr, const std::vector<bool>& rows, std::int64_t sources) {
  std::vector<bool> reached(rows);
  reached.resize(static_cast<std::size_t>(sources));
  for (std::int64_t row = 0; row < csr.n(); ++row)
    if (rows[row])
      for (std::int64_t e = csr.indptr[row]; e < csr.indptr[row + 1]; ++e) reached[csr.indices[e]] = true;
  return reached;
}

HaloLists lists_of(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo,
                   const std::vector<bool>& reached) {
  std::vector<GlobalId> needed;
  std::vector<std::int32_t> places;
  for (std::size_t h = 0; h < halo.size(); ++h) {
    if (!reached[static_cast<std::size_t>(owners.owned) + h]) continue;
    needed.push_back(halo[h]);
    places.push_back(static_cast<std::int32_t>(h));
  }
  HaloLists lists = told_lists(owners, needed);
  lists.halo_rows = copy_of(std::span<const std::int32_t>(places));
  return lists;
}
}  // namespace

std::vector<Needed> receptive_field(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo,
                                    const Wanted& wanted) {
  std::vector<Needed> needed(static_cast<std::size_t>(std::max(0, wanted.layers - 1)));
  std::vector<bool> rows(static_cast<std::size_t>(owners.owned));
  for (const std::int32_t row : wanted.outputs) rows[row] = true;
  // Exchange e brings the sources of layer e's rows (layers count from 0, whose sources are the features).
  for (std::size_t e = needed.size(); e > 0; --e) {
    const std::vector<bool> reached = sources_of(wanted.csr, rows, owners.owned + std::ssize(halo));
    needed[e - 1] = {std::move(rows), lists_of(owners, halo, reached)};
    rows.assign(reached.begin(), reached.begin() + owners.owned);
    for (const std::int32_t row : needed[e - 1].lists.send_rows) rows[row] = true;
  }
  return needed;
}

}  // namespace kith::halo
