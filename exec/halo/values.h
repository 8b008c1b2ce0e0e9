#pragma once
#include "kith/core/dtype.h"
#include "kith/exec/halo/axes.h"

namespace kith::halo {

/// The makers of every value; each is defined in the file of its name and listed in registry.cc.
std::unique_ptr<HaloPlanner> halo_rows();
std::unique_ptr<HaloPlanner> needed_rows();
std::unique_ptr<HaloPlanner> partial_aggregates();
std::unique_ptr<HaloPlanner> minimum_cover();
std::unique_ptr<HaloPlanner> recompute(double most_edges);
std::unique_ptr<HaloPlanner> tensor();
std::unique_ptr<HaloRoute> point_to_point(RowExchange& rows, FrameCheck check);
std::unique_ptr<HaloRoute> shared_memory(RowExchange& rows, FrameCheck check);
std::unique_ptr<HaloRoute> two_level(RowExchange& rows, FrameCheck check);
std::unique_ptr<HaloRoute> broadcast(RowExchange& rows);
std::unique_ptr<HaloRoute> ring(RowExchange& rows);
std::unique_ptr<HaloRoute> multicast(RowExchange& rows, double faster);
std::unique_ptr<HaloRoute> replicated(RowExchange& rows, double copies);
std::unique_ptr<HaloSelect> select_all();
std::unique_ptr<HaloSelect> select_boundary(double probability);
std::unique_ptr<HaloSelect> select_bins(double count);
std::unique_ptr<HaloSelect> select_aged(double oldest);
std::unique_ptr<HaloSelect> select_moved(double epsilon, double oldest);
std::unique_ptr<HaloEncode> encode_fp32();
std::unique_ptr<HaloEncode> encode_half(DType type);
std::unique_ptr<HaloEncode> encode_quantised(int bits);
std::unique_ptr<HaloEncode> encode_support(int bits);
std::unique_ptr<HaloEncode> encode_ladder(bool without_zeros);
std::unique_ptr<HaloEncode> encode_delta(int bits);
std::unique_ptr<HaloEncode> encode_adaptive(double bits, double error);
std::unique_ptr<HaloEncode> encode_grouped(int bits, double group);
std::unique_ptr<HaloEncode> encode_falling(double ratio, std::int64_t steps);
std::unique_ptr<HaloEncode> encode_feedback(int bits);
std::unique_ptr<HaloEncode> encode_centroids(double share, bool feedback);
std::unique_ptr<HaloSchedule> schedule_sync();
std::unique_ptr<HaloSchedule> schedule_overlap();
std::unique_ptr<HaloSchedule> schedule_stale(double features, double gradients);

/// The lists of the rows of `halo` (ascending), told to their owners. Collective.
HaloLists told_lists(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo);

/// What a full-graph training computes of this rank's rows.
struct Wanted {
  CsrView<std::int32_t> csr;              ///< owned × (owned + halo)
  std::span<const std::int32_t> outputs;  ///< the owned rows whose logits count
  int layers = 1;
};
/// What matters of one exchange.
struct Needed {
  std::vector<bool> rows;  ///< [owned]: destinations behind the exchange
  HaloLists lists;         ///< of their sources
};
/// Of a training's exchanges 1, 2, … Collective.
std::vector<Needed> receptive_field(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo,
                                    const Wanted& wanted);

/// The part of `planned` that `crosses(id, receiver)` picks, the same at both ends.
HaloLists picked(const HaloLists& planned, const HaloNodes& nodes,
                 const std::function<bool(StoreId, Rank receiver)>& crosses);

}  // namespace kith::halo
