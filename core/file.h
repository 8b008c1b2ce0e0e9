#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace kith {

/// What to do when the name is taken already.
enum class Existing { refuse, replace };

/// Who makes a file last through a power cut: its own commit, or that of the AtomicFolder it lies in.
enum class Durable { now, with_folder };

/// A file that is whole or absent: bytes go to a temporary name in the same folder, `commit` syncs and
/// renames. Without a commit the destructor removes the temporary. Every failure is an InputError with the
/// path.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;

  /// Appends.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// Writes at an offset and leaves the append position alone; thread-safe for disjoint ranges.
  void write_at(std::int64_t offset, std::span<const std::byte> bytes);
  /// Makes the file appear under its name (an old one is replaced). Call once, last.
  void commit(Durable durable = Durable::now);

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// A folder that is whole or absent: files are written into `path()`, a temporary folder beside the final
/// one; `commit` syncs them all and renames. Without a commit the destructor removes everything.
class AtomicFolder {
 public:
  /// Throws InputError when `final_path` exists and is not to be replaced, before any work is done.
  explicit AtomicFolder(std::filesystem::path final_path, Existing existing = Existing::refuse);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  /// Where to write until `commit`.
  const std::filesystem::path& path() const { return temporary_; }
  const std::filesystem::path& final_path() const { return final_path_; }
  void commit();

 private:
  std::filesystem::path final_path_;
  std::filesystem::path temporary_;
  Existing existing_;
  bool committed_ = false;
};

/// Writes a small text file atomically.
void write_text_file(const std::filesystem::path& path, std::string_view text);
/// Something goes by this name, be it a link that leads nowhere: opening it tells what is wrong, where taking
/// it for missing would leave it out in silence.
bool has_name(const std::filesystem::path& path);
/// The whole of a text file of at most `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, std::int64_t limit = std::int64_t{64} << 20);

/// The bytes of an array, for the writers above.
template <class Range>
std::span<const std::byte> bytes_of(const Range& values) {
  return std::as_bytes(std::span(values.data(), values.size()));
}

}  // namespace kith
