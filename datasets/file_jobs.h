#pragma once
#include <functional>

#include "kith/core/ids.h"
#include "kith/core/index_view.h"
#include "kith/datasets/file_table.h"

namespace kith {

/// The arrays of one folder, written in parallel over files, each from front to back: what disks like best.
class FileJobs {
 public:
  using Write = std::function<FileRecord(const std::filesystem::path& path)>;

  void add(std::string name, Write write) { jobs_.push_back({std::move(name), std::move(write)}); }
  template <class T>
  void add_values(std::string name, std::span<const T> values) {
    add(std::move(name), [values](const std::filesystem::path& path) { return write_npy(path, values); });
  }
  /// Writes `folder / name` for every job and returns what was written.
  FileTable run(const std::filesystem::path& folder) const;

 private:
  struct Job {
    std::string name;
    Write write;
  };
  std::vector<Job> jobs_;
};

/// Node numbers as int32 or int64, whatever width they have now.
FileRecord write_indices(const std::filesystem::path& path, const IndexView& indices, DType dtype);

/// The rows `ids` of a table of `row_bytes` wide rows, in this order. `shape` is that of the result.
FileRecord write_gathered(const std::filesystem::path& path, DType dtype, std::vector<std::int64_t> shape,
                          std::span<const std::byte> table, std::span<const StoreId> ids);

}  // namespace kith
