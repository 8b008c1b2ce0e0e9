#pragma once
#include "kith/exec/halo/axes.h"

namespace kith::halo {

/// The makers of every value; each is defined in the file of its name and listed in registry.cc.
std::unique_ptr<HaloPlanner> halo_rows();
std::unique_ptr<HaloRoute> point_to_point(RowExchange& rows);
std::unique_ptr<HaloSelect> select_all();
std::unique_ptr<HaloEncode> encode_fp32();
std::unique_ptr<HaloSchedule> schedule_sync();
std::unique_ptr<HaloSchedule> schedule_overlap();

}  // namespace kith::halo
