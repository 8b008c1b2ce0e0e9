#include "kith/exec/layer_graph.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "kith/core/buffer_placement.h"
#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/core/rehearsal.h"
#include "kith/graph/builders.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 14;

template <class F>
Array<float> each(std::int64_t count, F&& f) {
  const MemoryUse use(MemoryKind::graph);
  const UseMemory host(nullptr);
  Array<float> values(static_cast<std::size_t>(count));
  if (rehearsing()) return values;
  parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) values[i] = static_cast<float>(f(i));
  });
  return values;
}

Csr32 empty_rows(std::int64_t rows, std::int64_t entries) {
  return {Array<std::int64_t>(static_cast<std::size_t>(rows) + 1, std::int64_t{0}),
          Array<std::int32_t>(static_cast<std::size_t>(entries))};
}

/// Entries stay in their order.
LayerGraph::BySource split_by_source(CsrView<std::int32_t> csr) {
  const std::int64_t rows = csr.n();
  LayerGraph::BySource split{empty_rows(rows, 0), empty_rows(rows, 0)};
  parallel_for(0, rows, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto row = csr.row(i);
      const auto owned = std::count_if(row.begin(), row.end(), [&](std::int32_t s) { return s < rows; });
      split.owned.indptr[i] = owned;
      split.halo.indptr[i] = std::ssize(row) - owned;
    }
  });
  for (Csr32* part : {&split.owned, &split.halo}) {
    exclusive_prefix_sum(part->indptr.data(), part->indptr.ssize());
    part->indices = Array<std::int32_t>(static_cast<std::size_t>(part->indptr[rows]));
  }
  parallel_for(0, rows, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t owned = split.owned.indptr[i], halo = split.halo.indptr[i];
      for (const std::int32_t source : csr.row(i))
        if (source < rows)
          split.owned.indices[owned++] = source;
        else
          split.halo.indices[halo++] = static_cast<std::int32_t>(source - rows);
    }
  });
  return split;
}

}  // namespace

ConstTensor LayerGraph::kept_aggregate(const SpmmScales& scales, const std::function<Matrix()>& make) const {
  const float *row_scale = scales.row_scale.data(), *col_scale = scales.col_scale.data();
  for (const Kept& kept : kept_)
    if (kept.row_scale == row_scale && kept.col_scale == col_scale) return kept.aggregate.view();
  const MemoryUse use(MemoryKind::features);
  const LastingBuffers lasting;
  kept_.push_back({row_scale, col_scale, make()});
  return std::as_const(kept_.back()).aggregate.view();
}

LayerGraph::LayerGraph(const Arrays& arrays) : arrays_(arrays) {
  mirror(arrays.csr.indptr);
  mirror(arrays.csr.indices);
  mirror(arrays.store_ids);
}

void LayerGraph::mirror_transpose() const {
  transpose_mirrors_ = {mirrored(arrays_.on, std::as_const(transpose_->csr.indptr).span()),
                        mirrored(arrays_.on, std::as_const(transpose_->csr.indices).span()),
                        mirrored(arrays_.on, std::as_const(transpose_->edge).span())};
}

// Where an entry stood takes twice the memory of the transpose itself, and only weights of edges ask for it.
const TransposedCsr& LayerGraph::transpose() const {
  if (transpose_) return *transpose_;
  const MemoryUse use(MemoryKind::graph);
  const UseMemory host(nullptr);
  transpose_ = TransposedCsr{transposed(csr(), sources()), {}};
  mirror_transpose();
  return *transpose_;
}

const TransposedCsr& LayerGraph::transpose_with_edges() const {
  if (transpose_ && transpose_->edge.ssize() >= csr().m()) return *transpose_;
  const MemoryUse use(MemoryKind::graph);
  const UseMemory host(nullptr);
  transpose_mirrors_.clear();
  transpose_.reset();
  transpose_ = transposed_with_edges(csr(), sources());
  mirror_transpose();
  return *transpose_;
}

void LayerGraph::split_rows() const {
  const auto owned = static_cast<std::int32_t>(destinations());
  if (split_.ssize() == owned) return;
  const MemoryUse use(MemoryKind::graph);
  const UseMemory host(nullptr);
  split_ = Array<std::int32_t>(static_cast<std::size_t>(owned));
  interior_ = split_.size();
  if (rehearsing()) return;
  const auto interior = [&](std::int32_t row) {
    const auto sources = csr().row(row);
    return std::all_of(sources.begin(), sources.end(), [&](std::int32_t s) { return s < owned; });
  };
  std::iota(split_.begin(), split_.end(), 0);
  const auto* boundary = std::stable_partition(split_.begin(), split_.end(), interior);
  interior_ = static_cast<std::size_t>(boundary - split_.begin());
  mirror(std::as_const(split_).span());
}

std::span<const std::int32_t> LayerGraph::interior_rows() const {
  split_rows();
  return std::as_const(split_).span().first(interior_);
}

std::span<const std::int32_t> LayerGraph::boundary_rows() const {
  split_rows();
  return std::as_const(split_).span().subspan(interior_);
}

std::span<const std::int32_t> LayerGraph::owned_sources() const {
  if (source_rows_.empty()) {
    const MemoryUse use(MemoryKind::graph);
    const UseMemory host(nullptr);
    source_rows_ = Array<std::int32_t>(static_cast<std::size_t>(sources()));
    if (!rehearsing()) std::iota(source_rows_.begin(), source_rows_.end(), 0);
    mirror(std::as_const(source_rows_).span());
  }
  return std::as_const(source_rows_).span().first(static_cast<std::size_t>(destinations()));
}

std::span<const std::int32_t> LayerGraph::halo_sources() const {
  owned_sources();
  return std::as_const(source_rows_).span().subspan(static_cast<std::size_t>(destinations()));
}

const LayerGraph::BySource& LayerGraph::by_source() const {
  if (by_source_) return *by_source_;
  const MemoryUse use(MemoryKind::graph);
  const UseMemory host(nullptr);
  by_source_ = rehearsing() ? BySource{empty_rows(destinations(), csr().m()), empty_rows(destinations(), 0)}
                            : split_by_source(csr());
  for (const Csr32* part : {&by_source_->owned, &by_source_->halo}) {
    mirror(part->indptr.span());
    mirror(part->indices.span());
  }
  return *by_source_;
}

SpmmScales LayerGraph::mean_scales() const {
  if (mean_.empty() && destinations() > 0) {
    mean_ = each(destinations(), [&](std::int64_t i) {
      return arrays_.csr.degree(i) > 0 ? 1.0 / static_cast<double>(arrays_.csr.degree(i)) : 0.0;
    });
    mirror(std::as_const(mean_).span());
  }
  return {.row_scale = mean_.span()};
}

SpmmScales LayerGraph::gcn_scales() const {
  require(arrays_.self_edges == SelfEdges::implied, "gcn_scales need a model with implied self-edges");
  if (gcn_col_.empty() && sources() > 0) {
    auto degree = [&](std::int64_t i) { return static_cast<double>(arrays_.degrees[i]); };
    gcn_col_ = each(sources(), [&](std::int64_t i) { return 1.0 / std::sqrt(degree(i) + 1.0); });
    gcn_self_ = each(destinations(), [&](std::int64_t i) { return 1.0 / (degree(i) + 1.0); });
    gcn_row_ = each(destinations(), [&](std::int64_t i) {
      const auto sampled = static_cast<double>(arrays_.csr.degree(i));
      return sampled > 0 ? degree(i) / sampled / std::sqrt(degree(i) + 1.0) : 0.0;
    });
    for (const Array<float>* scale : {&gcn_col_, &gcn_self_, &gcn_row_}) mirror(scale->span());
  }
  return {.row_scale = gcn_row_.span(), .col_scale = gcn_col_.span(), .self_scale = gcn_self_.span()};
}

}  // namespace kith
