#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kith/graph/csr.h"
#include "kith/kernels/row_parts.h"

namespace kith {

/// A matrix beside the columns to which every row of the graph may add: y = … + beta · y.
struct SourceSum {
  Tensor tensor;
  float beta = 0;
};

/// What a kernel over the entries of a CSR reads and writes.
struct GraphOperands {
  CsrView<std::int32_t> csr;
  const TransposedCsr* transpose = nullptr;  ///< with the entries' places, where the kernel reads it
  std::vector<RowOperand> rows = {};         ///< beside the rows
  std::vector<ConstTensor> sources = {};     ///< beside the columns, read
  std::vector<SourceSum> sums = {};          ///< beside the columns, added to
};

/// Some rows of a graph with all their entries, as a bipartite graph of its own: its columns are those that
/// the rows reach, first the rows themselves.
class GraphPart {
 public:
  /// What a part has in place of the operands, in their order.
  struct Here {
    std::int64_t begin = 0, end = 0;         ///< rows
    std::int64_t own = 0;                    ///< columns that are rows of the part
    std::span<const std::int32_t> others{};  ///< the graph's columns behind these
    CsrView<std::int32_t> csr{};
    const TransposedCsr* transpose = nullptr;
    std::vector<Tensor> rows{}, sources{}, sums{};
  };
  GraphPart(const GraphOperands& all, Here here) : all_(&all), here_(std::move(here)), whole_(false) {}
  /// The graph itself.
  explicit GraphPart(const GraphOperands& all) : all_(&all) {}

  bool whole() const { return whole_; }
  CsrView<std::int32_t> csr() const { return whole_ ? all_->csr : here_.csr; }
  const TransposedCsr& transpose() const { return whole_ ? *all_->transpose : *here_.transpose; }

  Tensor rows(Tensor y) const;
  ConstTensor rows(ConstTensor x) const;
  ConstTensor sources(ConstTensor x) const;
  Tensor sum(Tensor y) const;
  /// Parts start their sums anew.
  float beta(float of_the_whole) const { return whole_ ? of_the_whole : 0.0f; }
  /// Values, `each` a row; a shorter list ends before the rows do.
  template <class T>
  std::span<T> rows(std::span<T> values, std::int64_t each = 1) const {
    if (whole_) return values;
    const auto at = [&](std::int64_t row) {
      return std::min(values.size(), static_cast<std::size_t>(row * each));
    };
    return values.subspan(at(here_.begin), at(here_.end) - at(here_.begin));
  }
  /// Values beside the columns, on the host.
  Array<float> sources(std::span<const float> values) const;

 private:
  const GraphOperands* all_;
  Here here_;
  bool whole_ = true;
};

/// Runs a kernel over the entries of a graph: over all rows at once, or, where operands lie on the host
/// because a device has no room for them, over stretches of rows whose sources' rows are gathered on the
/// device while others are computed (kernels/cuda/graph_chunks.h).
void over_graph(const Backend& on, const GraphOperands& operands,
                const std::function<void(const GraphPart&)>& body);

}  // namespace kith
