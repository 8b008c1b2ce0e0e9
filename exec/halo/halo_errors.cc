// Rows may lie on a device; a step that is measured copies them, and sums on the host in double precision.
#include "kith/exec/halo/halo_errors.h"

#include "kith/core/error.h"

namespace kith {
namespace {

Matrix on_host(ConstTensor x) {
  Matrix copy;
  {
    const UseMemory host(nullptr);
    copy = Matrix(x.rows, x.cols);
  }
  if (x.stride == x.cols) {
    copy_values(std::span(x.data, static_cast<std::size_t>(x.size())), copy.span());
    return copy;
  }
  for (std::int64_t i = 0; i < x.rows; ++i)
    copy_values(std::span(x.row(i), static_cast<std::size_t>(x.cols)),
                copy.span().subspan(static_cast<std::size_t>(i * x.cols), static_cast<std::size_t>(x.cols)));
  return copy;
}

}  // namespace

void HaloErrors::add(int layer, bool backward, ConstTensor got, ConstTensor exact) {
  require(got.rows == exact.rows && got.cols == exact.cols, "a measured halo has the rows of the exact one",
          {{"rows", got.rows}, {"exact rows", exact.rows}});
  const Matrix a = on_host(got), b = on_host(exact);
  Squares& sums = squares_[{layer, backward}];
  const std::span<const float> x = a.span(), y = b.span();
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double whole = y[i], lost = x[i] - whole;
    sums.lost += lost * lost;
    sums.whole += whole * whole;
  }
}

HaloErrors::Squares HaloErrors::of(int layer, bool backward) const {
  const auto found = squares_.find({layer, backward});
  return found == squares_.end() ? Squares{} : found->second;
}

}  // namespace kith
