#include "kith/datasets/file_table.h"

#include "kith/core/parallel.h"

namespace kith {
namespace {

void check_size(const std::filesystem::path& path, const FileRecord& record) {
  std::error_code error;
  const auto found = std::filesystem::file_size(path, error);
  if (error) throw CorruptError(path.string() + ": missing (" + error.message() + ")");
  if (found != static_cast<std::uintmax_t>(record.bytes)) {
    throw CorruptError(path.string() + ": " + std::to_string(found) + " bytes where " +
                       std::to_string(record.bytes) + " were written");
  }
}

std::string damage_of(const std::filesystem::path& path, const FileRecord& record) {
  try {
    check_size(path, record);
    if (checksum_of_file(path) != record.checksum) return path.string() + ": the checksum does not match";
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

DType stored_as(DType dtype) { return dtype == DType::bf16 ? DType::u16 : dtype; }

NpyFile open_array(const std::filesystem::path& folder, const FileTable& table, const std::string& name,
                   DType dtype, std::initializer_list<std::int64_t> shape) {
  const std::filesystem::path path = folder / name;
  const auto found = table.find(name);
  if (found == table.end()) throw CorruptError(path.string() + ": not listed in the folder's JSON");
  check_size(path, found->second);
  try {
    NpyFile file(path);
    file.view().expect_dtype(stored_as(dtype));
    file.view().expect_shape(shape);
    return file;
  } catch (const InputError& error) {
    throw CorruptError(error.what());
  }
}

int verify_files(const std::filesystem::path& folder, const FileTable& table) {
  const std::vector<std::pair<std::string, FileRecord>> files(table.begin(), table.end());
  const auto count = static_cast<std::int64_t>(files.size());
  const auto damage = parallel_reduce(
      0, count, 1, std::string(),
      [&](std::int64_t i, std::int64_t) { return damage_of(folder / files[i].first, files[i].second); },
      [](const std::string& a, const std::string& b) { return a.empty() ? b : a; });
  if (!damage.empty()) throw CorruptError(damage);
  return static_cast<int>(count);
}

std::int64_t total_bytes(const FileTable& table) {
  std::int64_t bytes = 0;
  for (const auto& [name, record] : table) bytes += record.bytes;
  return bytes;
}

}  // namespace kith
