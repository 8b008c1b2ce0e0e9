#include "kith/core/error.h"
#include "kith/partition/partitioners.h"

namespace kith {

PartitionResult metis_partition(const PartitionRequest& request) {
  if (request.k == 1) return {range_partition(request), {}};
  throw Error("METIS is not built in yet; try --method random or range");
}

}  // namespace kith
