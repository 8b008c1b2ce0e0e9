#pragma once
#include "kith/exec/halo/source_rows.h"

namespace kith {

/// The maximum over neighbours of which other ranks make partial ones: these arrive with which of their
/// sources each column is of, so that of equal ones the lowest store id has the gradient, as on one rank.
class PartialMaxima {
 public:
  /// `pass` is forward; the graph's plan for its layer has partials.
  PartialMaxima(const LayerGraph& graph, const HaloPass& pass);

  /// y [destinations, d] of x [destinations, d].
  Matrix forward(const Backend& on, ConstTensor x);
  void backward(const Backend& on, ConstTensor dy, GradientSlot dx) const;

 private:
  HaloPass message(HaloPart part) const;
  /// Of the partials that arrived: their numbers, and where each came from.
  struct Arrived {
    Matrix values;
    Array<std::byte> places;
  };
  StoreId source_of(const Arrived& arrived, std::int64_t partial, std::int64_t column) const;
  void merge(const Arrived& arrived, Tensor y);

  const LayerGraph* graph_;
  const PartialPlan* plan_;
  HaloPass pass_;
  /// [owned, d] the place among the entries left to this rank; −1: none; −2 − k: the partial k.
  Array<std::int32_t> chosen_;
  Array<std::int32_t> made_;  ///< [partials made, d]
};

}  // namespace kith
