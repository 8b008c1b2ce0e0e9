#include "kith/kernels/graph_parts.h"

#include "kith/core/buffer_trace.h"
#include "kith/core/error.h"

#ifdef KITH_CUDA
#include "kith/kernels/cuda/graph_chunks.h"
#endif

namespace kith {
namespace {

template <class All, class TensorOf>
Tensor place_of(const All& all, std::span<const Tensor> here, const float* data, TensorOf&& tensor_of) {
  for (std::size_t i = 0; i < here.size(); ++i)
    if (tensor_of(all[i]).data == data) return here[i];
  require(false, "a kernel asks for rows of its operands alone");
  return {};
}

/// A row is gathered once a block that reaches it: at most for every entry, and for itself.
void note(BufferTrace& trace, const GraphOperands& all) {
  constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));
  note(trace, std::span<const RowOperand>(all.rows));
  const auto gathered = static_cast<double>(all.csr.n() + all.csr.m());
  BufferTrace::Need need;
  for (const RowOperand& o : all.rows) need.row_bytes += o.tensor.cols * kFloat;
  const auto touch = [&](ConstTensor x, double share_written) {
    const double bytes = gathered * static_cast<double>(x.cols * kFloat);
    trace.touched(x.data, bytes, share_written * bytes);
    need.column_bytes += x.cols * kFloat;
  };
  for (const ConstTensor& x : all.sources) touch(x, 0);
  for (const SourceSum& s : all.sums) touch(s.tensor, 1);
  need.edge_bytes = all.transpose != nullptr ? 16 : 4;
  trace.needed(need);
}

}  // namespace

Tensor GraphPart::rows(Tensor y) const {
  if (whole_ || y.data == nullptr) return y;
  return place_of(all_->rows, here_.rows, y.data, [](const RowOperand& o) { return o.tensor; });
}
ConstTensor GraphPart::rows(ConstTensor x) const {
  return rows(Tensor(const_cast<float*>(x.data), x.rows, x.cols, x.stride));
}
ConstTensor GraphPart::sources(ConstTensor x) const {
  if (whole_ || x.data == nullptr) return x;
  return place_of(all_->sources, here_.sources, x.data, [](ConstTensor t) { return t; });
}
Tensor GraphPart::sum(Tensor y) const {
  if (whole_ || y.data == nullptr) return y;
  return place_of(all_->sums, here_.sums, y.data, [](const SourceSum& s) { return s.tensor; });
}

Array<float> GraphPart::sources(std::span<const float> values) const {
  const UseMemory host(nullptr);
  if (values.empty()) return {};
  Array<float> some(static_cast<std::size_t>(here_.own) + here_.others.size());
  const auto own = values.subspan(static_cast<std::size_t>(here_.begin), static_cast<std::size_t>(here_.own));
  std::copy(own.begin(), own.end(), some.begin());
  for (std::size_t i = 0; i < here_.others.size(); ++i)
    some[own.size() + i] = values[static_cast<std::size_t>(here_.others[i])];
  return some;
}

void over_graph(const Backend& on, const GraphOperands& operands,
                const std::function<void(const GraphPart&)>& body) {
#ifdef KITH_CUDA
  const Cuda* cuda = std::get_if<Cuda>(&on);
  if (cuda != nullptr && !rehearsing() && cuda::spilled(*cuda->device, operands))
    return cuda::over_graph_chunks(*cuda->device, operands, body);
#endif
  static_cast<void>(on);
  if (BufferTrace* trace = rehearsing() ? BufferTrace::current() : nullptr) note(*trace, operands);
  body(GraphPart(operands));
}

}  // namespace kith
