#include "kith/kernels/row_parts.h"

#include <algorithm>

#include "kith/core/buffer_trace.h"
#include "kith/core/error.h"

#ifdef KITH_CUDA
#include "kith/kernels/cuda/chunks.h"
#endif

namespace kith {

RowPart::RowPart(std::int64_t begin, std::int64_t end, std::span<const RowOperand> operands,
                 std::vector<Tensor> here)
    : begin_(begin), end_(end), operands_(operands), here_(std::move(here)) {}

RowPart::RowPart(std::span<const RowOperand> operands)
    : end_(operands.empty() ? 0 : operands.front().tensor.rows), operands_(operands) {}

Tensor RowPart::operator()(Tensor y) const {
  if (whole()) return y;
  for (std::size_t i = 0; i < operands_.size(); ++i)
    if (operands_[i].tensor.data == y.data && operands_[i].tensor.cols == y.cols) return here_[i];
  require(false, "a kernel asks for rows of its operands alone", {{"rows", y.rows}, {"cols", y.cols}});
  return {};
}

ConstTensor RowPart::operator()(ConstTensor x) const {
  return (*this)(Tensor(const_cast<float*>(x.data), x.rows, x.cols, x.stride));
}

void over_rows(const Backend& on, std::initializer_list<RowOperand> operands,
               const std::function<void(const RowPart&)>& body) {
  const std::span<const RowOperand> all(operands.begin(), operands.size());
#ifdef KITH_CUDA
  const Cuda* cuda = std::get_if<Cuda>(&on);
  if (cuda != nullptr && !rehearsing() && cuda::spilled(*cuda->device, all))
    return cuda::over_row_chunks(*cuda->device, all, body);
#endif
  static_cast<void>(on);
  if (BufferTrace* trace = rehearsing() ? BufferTrace::current() : nullptr) note(*trace, all);
  body(RowPart(all));
}

void note(BufferTrace& trace, std::span<const RowOperand> operands) {
  trace.kernel();
  BufferTrace::Need need;
  for (const RowOperand& o : operands) {
    const double bytes = static_cast<double>(o.tensor.size()) * sizeof(float);
    trace.touched(o.tensor.data, o.read ? bytes : 0, o.written ? bytes : 0);
    need.row_bytes += o.tensor.cols * static_cast<std::int64_t>(sizeof(float));
  }
  trace.needed(need);
}

}  // namespace kith
