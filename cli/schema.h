#pragma once
#include "kith/core/settings.h"

namespace kith::cli {

/// Every setting of every module, and the program's own.
Schema program_schema();

}  // namespace kith::cli
