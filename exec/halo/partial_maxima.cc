#include "kith/exec/halo/partial_maxima.h"

#include "kith/core/memory_kind.h"
#include "kith/core/parallel.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/max.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 64;  ///< rows
constexpr std::int32_t kNone = -1;

/// What chosen_ has where partial k won, and the reverse.
std::int32_t mark_of(std::int64_t partial) { return -2 - static_cast<std::int32_t>(partial); }
std::int64_t partial_of(std::int32_t mark) { return -2 - std::int64_t{mark}; }

/// Places of so many bytes each, lowest first.
Array<std::byte> packed(std::span<const std::int32_t> places, std::int64_t bytes) {
  Array<std::byte> out(places.size() * static_cast<std::size_t>(bytes));
  for (std::size_t i = 0; i < places.size(); ++i)
    for (std::int64_t b = 0; b < bytes; ++b)
      out[static_cast<std::int64_t>(i) * bytes + b] =
          static_cast<std::byte>(static_cast<std::uint32_t>(places[i]) >> (8 * b));
  return out;
}

std::int64_t unpacked(std::span<const std::byte> places, std::int64_t i, std::int64_t bytes) {
  std::uint32_t place = 0;
  for (std::int64_t b = 0; b < bytes; ++b)
    place |= static_cast<std::uint32_t>(places[static_cast<std::size_t>(i * bytes + b)]) << (8 * b);
  return place;
}

}  // namespace

PartialMaxima::PartialMaxima(const LayerGraph& graph, const HaloPass& pass)
    : graph_(&graph), plan_(graph.halo()->partials(pass.layer)), pass_(pass) {
  require(plan_ != nullptr, "an exchange of partial results has a plan", {{"exchange", pass.layer}});
}

HaloPass PartialMaxima::message(HaloPart part) const {
  HaloPass pass = pass_;
  pass.part = part;
  return pass;
}

Matrix PartialMaxima::forward(const Backend& on, ConstTensor x) {
  HaloExchange& halo = *graph_->halo();
  const auto room = [&](std::int64_t rows) { return static_cast<std::size_t>(rows * x.cols); };
  auto rows = halo.start_fetch(on, x, message(HaloPart::rows));
  HaloExchange::Flight partials;
  {
    const MemoryUse use(MemoryKind::halo);
    Matrix values(plan_->made(), x.cols);
    made_ = Array<std::int32_t>(room(plan_->made()));
    row_maximum(on, plan_->sent, {}, x, values, made_.span());
    const Array<std::byte> places = packed(made_.span(), plan_->place_bytes);
    partials = halo.start_partials(on, values, places.span(), pass_);
  }
  SourceRows sources(on, *plan_->graph, x, std::move(rows));
  Matrix y(graph_->destinations(), x.cols);
  chosen_ = Array<std::int32_t>(room(graph_->destinations()));
  sources.cover(
      [&](std::span<const std::int32_t> some) {
        row_maximum(on, plan_->csr, some, sources.all(), y, chosen_.span());
      },
      [] {});
  const MemoryUse use(MemoryKind::halo);
  const std::int64_t arriving = plan_->partials.halo;
  Arrived arrived{Matrix(arriving, x.cols),
                  Array<std::byte>(room(arriving) * static_cast<std::size_t>(plan_->place_bytes))};
  halo.finish_partials(on, partials, arrived.values, arrived.places.span());
  merge(arrived, y);
  return y;
}

StoreId PartialMaxima::source_of(const Arrived& arrived, std::int64_t partial, std::int64_t column) const {
  const std::int64_t begin = plan_->part_begin[partial];
  const std::int64_t place =
      unpacked(arrived.places.span(), partial * arrived.values.cols() + column, plan_->place_bytes);
  if (place >= plan_->part_begin[partial + 1] - begin)
    throw CorruptError(with_facts("a partial maximum is of no source of its own",
                                  {{"place", place}, {"sources", plan_->part_begin[partial + 1] - begin}}));
  return plan_->parts[begin + place];
}

void PartialMaxima::merge(const Arrived& arrived, Tensor y) {
  const CsrView<std::int32_t> csr = plan_->csr;
  const auto wins = [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    const std::int32_t chosen = chosen_[i * y.cols + j];
    const float value = arrived.values(k, j);
    if (chosen == kNone || value > y(i, j)) return true;
    if (value != y(i, j)) return false;
    const StoreId other = chosen < kNone ? source_of(arrived, partial_of(chosen), j)
                                         : plan_->row_ids[csr.indices[csr.indptr[i] + chosen]];
    return source_of(arrived, k, j) < other;
  };
  parallel_for(0, graph_->destinations(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (const std::int32_t k : plan_->arriving.view().row(i)) {
        for (std::int64_t j = 0; j < y.cols; ++j) {
          if (!wins(i, j, k)) continue;
          y(i, j) = arrived.values(k, j);
          chosen_[i * y.cols + j] = mark_of(k);
        }
      }
    }
  });
}

void PartialMaxima::backward(const Backend& on, ConstTensor dy, GradientSlot dx) const {
  HaloExchange& halo = *graph_->halo();
  const std::int64_t owned = graph_->destinations(), all = plan_->graph->sources();
  Matrix won(plan_->partials.halo, dy.cols);
  parallel_for(0, won.rows(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      const std::int64_t i = plan_->into()[static_cast<std::size_t>(k)];
      for (std::int64_t j = 0; j < dy.cols; ++j)
        won(k, j) = chosen_[i * dy.cols + j] == mark_of(k) ? dy(i, j) : 0;
    }
  });
  HaloPass back = pass_;
  back.backward = true;
  auto partials = halo.start_partials(on, won, {}, back);
  Matrix gradient(all, dy.cols);
  row_maximum_backward(on, plan_->csr, plan_->graph->transpose_with_edges(), chosen_.span(), dy, 0, gradient);
  auto rows = halo.start_return(on, gradient.view().row_range(owned, all), message(HaloPart::rows));
  Matrix made(plan_->made(), dy.cols);
  halo.finish_partials(on, partials, made, {});
  row_maximum_backward(on, plan_->sent, plan_->sent_graph->transpose_with_edges(), made_.span(), made, 1,
                       gradient.view().row_range(0, owned));
  axpby(on, 1, gradient.view().row_range(0, owned), dx.beta, dx.tensor);
  halo.finish_return(on, rows, dx.tensor);
}

}  // namespace kith
