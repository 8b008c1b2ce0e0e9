#pragma once
#include "kith/kernels/cuda/lanes.h"
#include "kith/kernels/cuda/sweep_plan.h"

// Everything that sums over the entries of rows: one group of lanes takes a row's head (or stretch of
// columns) and walks its entries in order, so a sum has one order, whatever runs beside it; nothing is added
// by atomics. The pieces of a long row leave their states, which are merged in order.
//
// A Sweep is a struct of device pointers with
//   State                                         float v[kFloats], which lives in registers
//   begin(unit, state), over(unit, begin, end, state)
//   merge(state, other), finish(unit, state)      a later piece's state is added; the row's result is written
namespace kith::cuda {

/// The part of a row that a group of lanes takes.
struct Unit {
  std::int64_t row;
  int head;         ///< or stretch of columns
  int lane, lanes;  ///< in the group
};

template <class Sweep>
__global__ void __launch_bounds__(kThreads)
    sweep_rows(Sweep sweep, int lanes, int heads, const std::int32_t* rows, std::int64_t count,
               const std::int64_t* indptr) {
  const std::int64_t unit = thread_number() / lanes, task = unit / heads;
  if (task >= count) return;
  const Unit u{rows[task], static_cast<int>(unit % heads), static_cast<int>(thread_number() % lanes), lanes};
  typename Sweep::State state;
  sweep.begin(u, state);
  sweep.over(u, indptr[u.row], indptr[u.row + 1], state);
  sweep.finish(u, state);
}

/// The floats of a state lie `threads` apart, so that lanes write one behind the other.
template <class Sweep>
__global__ void __launch_bounds__(kThreads)
    sweep_pieces(Sweep sweep, int lanes, int heads, const SweepPiece* pieces, std::int64_t count,
                 float* states) {
  const std::int64_t unit = thread_number() / lanes, task = unit / heads;
  if (task >= count) return;
  const Unit u{pieces[task].row, static_cast<int>(unit % heads), static_cast<int>(thread_number() % lanes),
               lanes};
  typename Sweep::State state;
  sweep.begin(u, state);
  sweep.over(u, pieces[task].begin, pieces[task].end, state);
  const std::int64_t threads = count * heads * lanes;
  for (int k = 0; k < Sweep::kFloats; ++k) states[k * threads + thread_number()] = state.v[k];
}

template <class Sweep>
__global__ void __launch_bounds__(kThreads)
    merge_pieces(Sweep sweep, int lanes, int heads, const SweepHub* hubs, std::int64_t count,
                 std::int64_t pieces, const float* states) {
  const std::int64_t unit = thread_number() / lanes, task = unit / heads;
  if (task >= count) return;
  const Unit u{hubs[task].row, static_cast<int>(unit % heads), static_cast<int>(thread_number() % lanes),
               lanes};
  typename Sweep::State state;
  sweep.begin(u, state);
  const std::int64_t threads = pieces * heads * lanes;
  for (std::int64_t p = hubs[task].first; p < hubs[task].first + hubs[task].pieces; ++p) {
    typename Sweep::State other;
    const std::int64_t at = (p * heads + u.head) * lanes + u.lane;
    for (int k = 0; k < Sweep::kFloats; ++k) other.v[k] = states[k * threads + at];
    sweep.merge(state, other);
  }
  sweep.finish(u, state);
}

/// The lanes that a stretch of `width` columns takes, of `each` columns a lane.
inline int lanes_for(std::int64_t width, int each) {
  int lanes = 1;
  while (lanes < 32 && lanes * each < width) lanes *= 2;
  return lanes;
}

/// Runs a sweep over the plan's rows, of `heads` units each.
template <class Sweep>
void sweep(Staging& call, const SweepPlan& plan, std::span<const std::int64_t> indptr, const Sweep& work,
           int heads, int lanes) {
  const auto threads = [&](auto tasks) { return static_cast<std::int64_t>(tasks.size()) * heads * lanes; };
  const auto rows = plan.rows();
  launch(call, blocks_for(threads(rows)), sweep_rows<Sweep>, work, lanes, heads, rows.data(),
         std::ssize(rows), call.read(indptr));
  const auto pieces = plan.pieces();
  if (pieces.empty()) return;
  auto* states = call.scratch<float>(threads(pieces) * Sweep::kFloats);
  launch(call, blocks_for(threads(pieces)), sweep_pieces<Sweep>, work, lanes, heads, pieces.data(),
         std::ssize(pieces), states);
  const auto hubs = plan.hubs();
  launch(call, blocks_for(threads(hubs)), merge_pieces<Sweep>, work, lanes, heads, hubs.data(),
         std::ssize(hubs), std::ssize(pieces), states);
}

}  // namespace kith::cuda
