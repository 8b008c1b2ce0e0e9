#pragma once
#include <string>

#include "kith/exec/report.h"

namespace kith {

/// The summary that summary_json wrote: `report_table` of it is the table that the run printed. Counters that
/// are sums over ranks are given to rank 0. Throws CorruptError where `json` is not one.
RunSummary summary_of_json(const std::string& json);

}  // namespace kith
