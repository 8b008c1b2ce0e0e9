#pragma once
#include <string>
#include <vector>

#include "kith/datasets/prepare.h"

namespace kith {

/// What one phase of `prepare` is expected to take.
struct PhasePlan {
  std::string name;
  std::int64_t memory_bytes = 0;     ///< peak
  std::int64_t temporary_bytes = 0;  ///< on disk, gone at the end
  std::int64_t disk_bytes = 0;       ///< of the store, by the end of the phase
  double seconds = 0;
};
struct PreparePlan {
  bool on_disk = false;  ///< edges are sorted on disk
  std::int64_t budget = 0;
  std::int64_t nodes = 0, edges = 0;  ///< estimated
  std::vector<PhasePlan> phases;

  std::int64_t peak_memory() const;
  std::int64_t temporary_disk() const;
  std::int64_t final_disk() const;
};

/// Estimates from the files' sizes and a sample of their lines; reads a few MiB and writes nothing. Of lists
/// of edges only: throws InputError for another format.
PreparePlan plan_prepare(const std::filesystem::path& raw, const PrepareOptions& options);
std::string describe(const PreparePlan& plan);

/// Whether `raw` is a list of edges that does not fit in the memory it may use, but can be sorted on disk.
/// Throws MemoryError when it neither fits nor can be.
bool sorts_on_disk(const std::filesystem::path& raw, const PrepareOptions& options);

}  // namespace kith
