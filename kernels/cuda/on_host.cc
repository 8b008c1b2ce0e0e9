// Kernels that the host computes, whatever the backend: what is made once for a run, and one that no device
// needs to be quick at yet.
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {
namespace {

Matrix on_host(ConstTensor x) {
  const UseMemory host(nullptr);
  Matrix here(x.rows, x.cols);
  for (std::int64_t i = 0; i < x.rows; ++i)
    copy_bytes(here.view().row(i), x.row(i), static_cast<std::size_t>(x.cols) * sizeof(float));
  return here;
}

}  // namespace

SparseRows nonzeros(Cuda, ConstTensor x) {
  const UseMemory host(nullptr);
  return nonzeros(Cpu{}, on_host(x));
}

void quantise_rows_to_nearest(Cuda, ConstTensor x, int bits, std::byte* out) {
  const UseMemory host(nullptr);
  const Buffer wire(static_cast<std::size_t>(x.rows * quantised_row_bytes(bits, x.cols)));
  quantise_rows_to_nearest(Cpu{}, on_host(x), bits, wire.data());
  copy_bytes(out, wire.data(), wire.bytes());
}

}  // namespace kith
