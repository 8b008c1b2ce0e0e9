// Where a selection drops rows, sums are taken over the others alone: of the graph's halo columns, and of the
// rows of its transpose, only these are read, so that a halo's memory is that of the rows that cross
// (BNS-GCN).
#include "kith/core/memory_kind.h"
#include "kith/exec/halo/exchanged_sum.h"

namespace kith {
namespace {

/// The halo's rows that cross.
std::vector<std::int32_t> places_of(const HaloLists& lists) {
  std::vector<std::int32_t> places(static_cast<std::size_t>(lists.halo));
  for (std::int64_t i = 0; i < lists.halo; ++i)
    places[i] = lists.halo_rows.empty() ? static_cast<std::int32_t>(i) : lists.halo_rows[i];
  return places;
}

/// The columns `places` of so many.
Csr32 some_columns(const Csr32& csr, std::int64_t columns, const std::vector<std::int32_t>& places) {
  std::vector<std::int32_t> column(static_cast<std::size_t>(columns), -1);
  for (std::size_t i = 0; i < places.size(); ++i) column[places[i]] = static_cast<std::int32_t>(i);
  Csr32 some{Array<std::int64_t>(csr.indptr.size(), std::int64_t{0}), {}};
  for (std::int64_t row = 0; row < csr.n(); ++row) {
    std::int64_t& count = some.indptr[row + 1];
    count = some.indptr[row];
    for (const std::int32_t source : csr.view().row(row)) count += column[source] >= 0 ? 1 : 0;
  }
  some.indices = Array<std::int32_t>(static_cast<std::size_t>(some.indptr.back()));
  std::int64_t next = 0;
  for (const std::int32_t source : csr.indices)
    if (column[source] >= 0) some.indices[next++] = column[source];
  return some;
}

/// The rows first + places.
Csr32 some_rows(const Csr32& csr, std::int64_t first, const std::vector<std::int32_t>& places) {
  Csr32 some{Array<std::int64_t>(places.size() + 1, std::int64_t{0}), {}};
  for (std::size_t i = 0; i < places.size(); ++i)
    some.indptr[i + 1] = some.indptr[i] + csr.view().degree(first + places[i]);
  some.indices = Array<std::int32_t>(static_cast<std::size_t>(some.indptr.back()));
  auto next = some.indices.begin();
  for (const std::int32_t place : places) next = std::ranges::copy(csr.view().row(first + place), next).out;
  return some;
}

std::vector<float> some_scales(std::span<const float> scales, std::int64_t first,
                               const std::vector<std::int32_t>& places) {
  std::vector<float> some;
  if (scales.empty()) return some;
  for (const std::int32_t place : places) some.push_back(scales[static_cast<std::size_t>(first + place)]);
  return some;
}

}  // namespace

void ExchangedSum::add_crossing(const Backend& on, const Seen& seen, HaloExchange::Flight& flight,
                                Tensor y) const {
  HaloExchange& halo = *graph->halo();
  const std::int64_t owned = graph->destinations();
  const std::vector<std::int32_t> places = places_of(flight.lists());
  const HaloExchange::Alive alive(halo, std::ssize(places));
  const Matrix rows = halo.finish_fetch_of_crossing(on, flight);
  const MemoryUse use(MemoryKind::halo);
  const UseMemory host(nullptr);
  const Csr32 edges = some_columns(seen.graph.by_source().halo, seen.graph.sources() - owned, places);
  const std::vector<float> columns = some_scales(seen.scales.col_scale, owned, places);
  spmm_rows(on, edges, seen.graph.boundary_rows(),
            {.row_scale = seen.scales.row_scale, .col_scale = columns, .beta = 1}, rows, y);
}

HaloExchange::Flight ExchangedSum::return_crossing(const Backend& on, const HaloPass& pass,
                                                   const TransposedCsr& transpose,
                                                   const SpmmScales& by_source, ConstTensor dy) const {
  HaloExchange& halo = *graph->halo();
  const std::int64_t owned = graph->destinations();
  const std::vector<std::int32_t> places = places_of(halo.crossing(pass));
  const HaloExchange::Alive alive(halo, std::ssize(places));
  const MemoryUse use(MemoryKind::halo);
  Matrix gradient(std::ssize(places), dy.cols);
  const std::vector<float> rows = some_scales(by_source.row_scale, owned, places);
  {
    const UseMemory host(nullptr);
    const Csr32 edges = some_rows(transpose.csr, owned, places);
    spmm(on, edges, {.row_scale = rows, .col_scale = by_source.col_scale}, dy, gradient);
  }
  return halo.start_return_of_crossing(on, gradient, pass);
}

}  // namespace kith
