#include "kith/exec/halo/lost_rows.h"

namespace kith::halo {

Matrix LostRows::added_to(const HaloFrame& frame, ConstTensor x) {
  Matrix wanted(frame.rows(), frame.cols);
  for (std::int64_t i = 0; i < frame.rows(); ++i) {
    const RowMemory::Row& lost = rows_.row(frame, i);
    const bool running = !lost.fresh && lost.step + 1 == frame.pass.step;
    for (std::int64_t j = 0; j < frame.cols; ++j) wanted(i, j) = x(i, j) + (running ? lost.values[j] : 0);
  }
  return wanted;
}

void LostRows::note(const HaloFrame& frame, ConstTensor wanted, ConstTensor said) {
  for (std::int64_t i = 0; i < frame.rows(); ++i) {
    RowMemory::Row& lost = rows_.row(frame, i);
    for (std::int64_t j = 0; j < frame.cols; ++j) lost.values[j] = wanted(i, j) - said(i, j);
    lost.step = frame.pass.step;
    lost.fresh = false;
  }
}

}  // namespace kith::halo
