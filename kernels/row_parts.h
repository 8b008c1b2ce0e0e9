#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

#include "kith/core/tensor.h"
#include "kith/kernels/backend.h"

namespace kith {

/// A matrix of a kernel whose rows stand beside those of the others, and what becomes of it.
struct RowOperand {
  Tensor tensor;
  bool read = false, written = false;
};
inline RowOperand reads(ConstTensor x) {
  return {{const_cast<float*>(x.data), x.rows, x.cols, x.stride}, true, false};
}
inline RowOperand writes(Tensor y) { return {y, false, true}; }
inline RowOperand updates(Tensor y) { return {y, true, true}; }
/// y = … + beta · y.
inline RowOperand writes(Tensor y, float beta) { return beta == 0 ? writes(y) : updates(y); }

/// Rows [begin, end) of a kernel's operands, where the kernel finds them.
class RowPart {
 public:
  /// `here` holds the rows of the operands, in their order.
  RowPart(std::int64_t begin, std::int64_t end, std::span<const RowOperand> operands,
          std::vector<Tensor> here);
  /// All rows, where they lie.
  explicit RowPart(std::span<const RowOperand> operands);

  std::int64_t begin() const { return begin_; }
  std::int64_t end() const { return end_; }
  bool whole() const { return here_.empty(); }
  /// What a sum over the rows of all parts has as its beta here.
  float beta(float of_the_first) const { return begin_ == 0 ? of_the_first : 1.0f; }

  Tensor operator()(Tensor y) const;
  ConstTensor operator()(ConstTensor x) const;
  /// Values that stand beside the rows; a shorter list ends before them.
  template <class T>
  std::span<T> operator()(std::span<T> values) const {
    const auto last = std::min(values.size(), static_cast<std::size_t>(end_));
    const auto first = std::min(last, static_cast<std::size_t>(begin_));
    return whole() ? values : values.subspan(first, last - first);
  }

 private:
  std::int64_t begin_ = 0, end_ = 0;
  std::span<const RowOperand> operands_;
  std::vector<Tensor> here_;
};

/// Runs a kernel that treats every row for itself, or adds up over rows: over all of them at once, or, where
/// operands lie on the host because a device has no room for them, over stretches that are copied there and
/// back while others are computed (kernels/cuda/chunks.h). Operands have equally many rows.
void over_rows(const Backend& on, std::initializer_list<RowOperand> operands,
               const std::function<void(const RowPart&)>& body);

class BufferTrace;
/// Tells the trace of a rehearsal what a kernel does with its operands.
void note(BufferTrace& trace, std::span<const RowOperand> operands);

}  // namespace kith
