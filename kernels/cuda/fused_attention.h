#pragma once
#include <cfloat>

#include "kith/kernels/cpu/dropout.h"
#include "kith/kernels/cuda/sweep.h"
#include "kith/kernels/fused_attention.h"

// What the sweeps of attention share. A unit is one head of one row: its lanes hold the head's columns, and
// the head's numbers are the same in all of them.
namespace kith::cuda {

/// Logits of a row without entries, and of a running maximum before the first.
constexpr float kNothing = -FLT_MAX;

/// What a sweep over the graph, or over its transpose, reads.
struct AttentionInputs {
  const std::int32_t* indices;
  int heads;
  std::int64_t width;  ///< of a head
  float slope;
  Rows<const float> own, other;  ///< the scores' sides: of the swept rows, of the columns
  const float* att;              ///< GATv2's; null: GAT's scores, a number a head and side
  Rows<const float> x;           ///< what is summed

  bool drops;
  DropoutMask mask;
  const StoreId* destinations;
  const std::int64_t* edge;    ///< of a transpose: where an entry stands in the graph
  const std::int64_t* indptr;  ///< of the graph
};

/// The part of a head's columns that a lane holds.
template <int kVector, int kStrips>
struct LaneColumns {
  static constexpr int kFloats = kVector * kStrips;
  float v[kFloats];

  __device__ static std::int64_t column(const Unit& u, int strip) {
    return (std::int64_t{strip} * u.lanes + u.lane) * kVector;
  }
  /// From the columns of head u.head of a row; 0 behind its end.
  __device__ void load(const Unit& u, std::int64_t width, const float* row) {
    const float* from = row + u.head * width;
#pragma unroll
    for (int strip = 0; strip < kStrips; ++strip) {
      const std::int64_t at = column(u, strip);
      if (at < width) {
        load_floats<kVector>(from + at, v + strip * kVector);
      } else {
        for (int k = 0; k < kVector; ++k) v[strip * kVector + k] = 0;
      }
    }
  }
  __device__ void store(const Unit& u, std::int64_t width, float* row) const {
    float* to = row + u.head * width;
#pragma unroll
    for (int strip = 0; strip < kStrips; ++strip) {
      const std::int64_t at = column(u, strip);
      if (at < width) store_floats<kVector>(v + strip * kVector, to + at);
    }
  }
};

__device__ inline float rectified(float z, float slope) { return z > 0 ? z : slope * z; }
__device__ inline float rectifier(float z, float slope) { return z > 0 ? 1.0f : slope; }

/// Σ over the head of a · b, in every lane.
template <class Columns>
__device__ float head_product(const Unit& u, unsigned mask, const Columns& a, const Columns& b) {
  float sum = 0;
#pragma unroll
  for (int k = 0; k < Columns::kFloats; ++k) sum = fmaf(a.v[k], b.v[k], sum);
  return group_sum(sum, u.lanes, mask);
}

/// ⟨att, leaky_relu(own + other)⟩.
template <class Columns>
__device__ float additive_score(const Unit& u, unsigned mask, float slope, const Columns& att,
                                const Columns& own, const Columns& other) {
  float sum = 0;
#pragma unroll
  for (int k = 0; k < Columns::kFloats; ++k)
    sum = fmaf(att.v[k], rectified(own.v[k] + other.v[k], slope), sum);
  return group_sum(sum, u.lanes, mask);
}

/// 0 or 1 / (1 − p) for the entry at `slot` of a destination's row.
__device__ inline float dropout_factor(const AttentionInputs& in, std::int64_t destination, std::int64_t slot,
                                       int head) {
  if (!in.drops) return 1;
  const auto word = static_cast<std::uint64_t>(slot * in.heads + head);
  const std::uint32_t drawn = drawn_word(in.mask.key, in.destinations[destination], in.mask.step, word);
  return drawn < in.mask.least ? 0.0f : in.mask.scale;
}

inline bool all_on_vectors(std::initializer_list<Rows<const float>> all) {
  for (const Rows<const float>& rows : all)
    if (!on_vectors(rows.data, rows.stride * 4)) return false;
  return true;
}
inline Rows<const float> constant(Rows<float> rows) { return {rows.data, rows.stride}; }

/// Calls body(shape) with the number of columns a lane takes at once and how often: heads of whole vectors up
/// to 128 or 256 columns, and any up to 1024.
template <class Body>
void with_columns(std::int64_t width, bool vectors, Body&& body) {
  require(width <= 1024, "attention on CUDA takes heads of at most 1024 columns", {{"columns", width}});
  if (vectors && width % 4 == 0 && width <= 128) return body(LaneColumns<4, 1>());
  if (vectors && width % 4 == 0 && width <= 256) return body(LaneColumns<4, 2>());
  if (width <= 128) return body(LaneColumns<1, 4>());
  body(LaneColumns<1, 32>());
}

}  // namespace kith::cuda
