#include <fmt/format.h>

#include "kith/core/log.h"
#include "kith/datasets/partition_store.h"
#include "kith/exec/on_root.h"
#include "kith/exec/train.h"

namespace kith {

PartitionedStore open_for_ranks(Communicator& comm, const std::filesystem::path& data,
                                const std::filesystem::path& run) {
  const FolderKind kind = folder_kind(data);
  if (kind == FolderKind::partitioned_store || comm.size() == 1) return open_data(data);
  if (kind != FolderKind::store) return open_data(data);
  const int k = comm.size();
  const auto folder = run / fmt::format("parts-k{}", k);
  run_on_root(comm, "partition the store", [&] {
    if (folder_kind(folder) == FolderKind::partitioned_store) return;
    log::info(fmt::format(
        "{} is not partitioned: partitioning it once into {} (beforehand: kith partition {} -o PARTS "
        "-k {}, then train PARTS)",
        data.string(), folder.string(), data.string(), k));
    std::filesystem::create_directories(run);
    PartitionOptions options;
    options.k = k;
    options.balance = "nodes,edges";
    partition_store(Store::open(data), folder, options);
  });
  return open_data(folder);
}

}  // namespace kith
