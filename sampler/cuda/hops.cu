// A group of lanes takes a node, each lane a draw: draws are a function of the node, the step and their
// number (sampler/draws.h), so the lanes need each other for one thing alone. Floyd's draw i takes its number
// t, or the last number allowed to it, j = d − fanout + i, when t was chosen before. For draws that lanes
// make at once, "t was chosen before" holds if an earlier lane drew the same t (it chose it, or found it
// chosen), or if t is the j of an earlier lane that chose its j. The second asks for the answer of that lane,
// whose own answer may ask for another's: the lanes repeat it until nothing changes, which is most often at
// once.
//
// A neighbour's position is that of the first edge that reaches it, among the new ones: edges write their
// number into the table of the graph's nodes, the least stays, and a prefix sum over the edges that find
// theirs counts the new nodes before each. The result does not depend on what ran when.
#include "kith/kernels/cuda/elements.h"
#include "kith/kernels/cuda/scan.h"
#include "kith/sampler/cuda/hops.h"

namespace kith::cuda {
namespace {

using Index = std::int64_t;

__device__ inline Index drawn(std::uint32_t degree, const HopDraws& draws) {
  if (draws.fanout < 0) return degree;
  if (draws.replace) return degree == 0 ? 0 : draws.fanout;
  return degree < draws.fanout ? degree : draws.fanout;
}

struct HopArguments {
  SampledGraph graph;
  HopDraws draws;
  const std::int32_t* nodes;
  Index count;
  const std::int64_t* indptr;
  std::int32_t* neighbours;
};

/// The 64 random bits of draw i.
__device__ inline std::uint64_t random_of(const HopDraws& draws, const SamplingRow& row, Index i) {
  const PhiloxWords words =
      draw_words(draws.key, StoreId{row.store_id}, draws.step, static_cast<std::uint32_t>(i / 2));
  return i % 2 == 0 ? word64(words, 0) : word64(words, 1);
}

/// Bit l: `value` of lane l of the group.
__device__ inline std::uint32_t lane_bits(bool value, int lane, int lanes, unsigned mask) {
  std::uint32_t bits = (value ? 1u : 0u) << lane;
  for (int offset = 1; offset < lanes; offset *= 2) bits |= __shfl_xor_sync(mask, bits, offset);
  return bits;
}

/// Whether a lane's `t` was chosen before, given whether it was by draws before the lanes' `first`.
template <int kLanes>
__device__ inline bool is_taken(bool taken, std::uint32_t t, std::uint32_t first_last, int lane,
                                unsigned mask) {
  for (int offset = 1; offset < kLanes; ++offset) {
    const std::uint32_t other = __shfl_xor_sync(mask, t, offset);
    if ((lane ^ offset) < lane && other == t) taken = true;
  }
  // The lane whose last number t is, if it is an earlier one: a smaller t wraps around.
  const std::uint32_t asked = t - first_last;
  std::uint32_t known = 0, now = lane_bits(taken, lane, kLanes, mask);
  while (now != known) {
    known = now;
    if (asked < static_cast<std::uint32_t>(lane) && (known >> asked & 1u) != 0) taken = true;
    now = lane_bits(taken, lane, kLanes, mask);
  }
  return taken;
}

/// fanout < degree distinct neighbours. More draws than lanes go by in turns; positions wait in `out`
/// meanwhile.
template <int kLanes>
__device__ inline void draw_distinct(const HopDraws& draws, const SamplingRow& row,
                                     const std::int32_t* columns, int lane, std::int32_t* out) {
  const unsigned mask = group_mask(kLanes);
  const auto fanout = static_cast<std::uint32_t>(draws.fanout);
  for (std::uint32_t first = 0; first < fanout; first += kLanes) {
    const std::uint32_t i = first + static_cast<std::uint32_t>(lane);
    const std::uint32_t first_last = row.degree - fanout + first;
    const std::uint32_t last = first_last + static_cast<std::uint32_t>(lane);
    const bool draws_one = i < fanout;
    const std::uint32_t t =
        draws_one ? static_cast<std::uint32_t>(bounded(random_of(draws, row, i), std::uint64_t{last} + 1))
                  : 0;
    bool taken = false;
    for (std::uint32_t k = 0; k < first; ++k) taken |= static_cast<std::uint32_t>(out[k]) == t;
    taken = is_taken<kLanes>(taken, t, first_last, lane, mask);
    const std::uint32_t chosen = taken ? last : t;
    if (fanout <= kLanes) {
      if (draws_one) out[i] = __ldg(columns + chosen);
      continue;
    }
    if (draws_one) out[i] = static_cast<std::int32_t>(chosen);
    __syncwarp(mask);
  }
  if (fanout <= kLanes) return;
  for (std::uint32_t i = static_cast<std::uint32_t>(lane); i < fanout; i += kLanes)
    out[i] = __ldg(columns + static_cast<std::uint32_t>(out[i]));
}

template <int kLanes>
__global__ void __launch_bounds__(kThreads) draw_rows(HopArguments a) {
  const Index i = thread_number() / kLanes;
  if (i >= a.count) return;
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const SamplingRow row = a.graph.rows[a.nodes[i]];
  const std::int32_t* columns = a.graph.columns + row.begin;
  const Index begin = a.indptr[i], count = a.indptr[i + 1] - begin;
  std::int32_t* out = a.neighbours + begin;
  if (a.draws.replace && a.draws.fanout >= 0) {
    for (Index k = lane; k < count; k += kLanes)
      out[k] = __ldg(columns + bounded(random_of(a.draws, row, k), row.degree));
  } else if (count == row.degree) {
    for (Index k = lane; k < count; k += kLanes) out[k] = __ldg(columns + k);
  } else {
    draw_distinct<kLanes>(a.draws, row, columns, lane, out);
  }
}

template <int kLanes>
void draw(const Staging& call, const HopArguments& arguments) {
  launch(call, blocks_for(arguments.count * kLanes), draw_rows<kLanes>, arguments);
}

}  // namespace

void find_offsets(Staging& call, const SampledGraph& graph, const HopDraws& draws,
                  std::span<const std::int32_t> nodes, std::int64_t* indptr) {
  const Index count = std::ssize(nodes);
  auto* counts = call.scratch<std::uint32_t>(count);
  const std::int32_t* list = nodes.data();
  over_elements(call, 1, count, [=] __device__(Index, Index i) {
    counts[i] = static_cast<std::uint32_t>(drawn(graph.rows[list[i]].degree, draws));
  });
  exclusive_sum(call, counts, count, indptr);
}

void draw_neighbours(Staging& call, const SampledGraph& graph, const HopDraws& draws,
                     std::span<const std::int32_t> nodes, const std::int64_t* indptr,
                     std::int32_t* neighbours) {
  const HopArguments arguments{graph, draws, nodes.data(), std::ssize(nodes), indptr, neighbours};
  if (draws.fanout >= 0 && draws.fanout <= 4)
    draw<4>(call, arguments);
  else if (draws.fanout >= 0 && draws.fanout <= 8)
    draw<8>(call, arguments);
  else if (draws.fanout >= 0 && draws.fanout <= 16)
    draw<16>(call, arguments);
  else
    draw<32>(call, arguments);
}

void relabel(Staging& call, const Relabelling& to) {
  const Index room = to.room;
  auto* fresh = call.scratch<std::uint8_t>(room);
  auto* ranks = call.scratch<std::int32_t>(room + 1);
  over_elements(call, 1, room, [=] __device__(Index, Index e) {
    if (e >= *to.edges) return;
    std::uint32_t* position = to.table + to.neighbours[e];
    const auto number = static_cast<std::uint32_t>(to.known + e);
    // Positions only fall meanwhile: an old one that is small enough says as much as the present one.
    if (*position > number) atomicMin(position, number);
  });
  over_elements(call, 1, room, [=] __device__(Index, Index e) {
    const bool first =
        e < *to.edges && to.table[to.neighbours[e]] == static_cast<std::uint32_t>(to.known + e);
    fresh[e] = first ? 1 : 0;
  });
  exclusive_sum(call, fresh, room, ranks);
  over_elements(call, 1, room, [=] __device__(Index, Index e) {
    if (fresh[e] == 0) return;
    const Index position = to.known + ranks[e];
    to.nodes[position] = to.neighbours[e];
    to.table[to.neighbours[e]] = static_cast<std::uint32_t>(position);
  });
  over_elements(call, 1, room, [=] __device__(Index, Index e) {
    if (e < *to.edges) to.indices[e] = static_cast<std::int32_t>(to.table[to.neighbours[e]]);
  });
  over_elements(call, 1, 1, [=] __device__(Index, Index) {
    to.totals[0] = *to.edges;
    to.totals[1] = to.known + ranks[room];
  });
}

void forget(Staging& call, std::span<const std::int32_t> nodes, std::uint32_t* table) {
  const std::int32_t* list = nodes.data();
  over_elements(call, 1, std::ssize(nodes), [=] __device__(Index, Index i) { table[list[i]] = kNoPosition; });
}

void forget_all(Staging& call, std::int64_t size, std::uint32_t* table) {
  over_elements(call, 1, size, [=] __device__(Index, Index i) { table[i] = kNoPosition; });
}

void describe(Staging& call, const SampledGraph& graph, std::span<const std::int32_t> nodes,
              const NodeFacts& out) {
  const std::int32_t* list = nodes.data();
  over_elements(call, 1, std::ssize(nodes), [=] __device__(Index, Index i) {
    out.ids[i] = list[i];
    if (out.store_ids == nullptr) return;
    const SamplingRow row = graph.rows[list[i]];
    out.store_ids[i] = row.store_id;
    out.degrees[i] = row.degree;
  });
}

}  // namespace kith::cuda
