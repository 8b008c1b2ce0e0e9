#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "kith/core/array.h"
#include "kith/core/mapped_file.h"

namespace kith {

/// One file in a zip archive, by its entry in the central directory.
struct ZipMember {
  std::string name;
  std::uint16_t method = 0;  ///< 0 stored, 8 deflated
  std::uint32_t crc = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t size = 0;
  std::uint64_t header_offset = 0;
};

/// The bytes of a member: a view of the archive's mapping when it is stored, else owned.
struct ZipBytes {
  Array<std::byte> owned;
  std::span<const std::byte> bytes;
};

/// A zip archive (with zip64), mapped. Opening reads the central directory. Throws InputError with the file
/// and the byte on anything damaged, encrypted, split over disks or compressed in another way than deflate.
class ZipArchive {
 public:
  explicit ZipArchive(std::filesystem::path path);
  const std::vector<ZipMember>& members() const { return members_; }
  const ZipMember* find(std::string_view name) const;
  /// Checks the CRC. The archive must outlive a stored member's bytes.
  ZipBytes read(const ZipMember& member) const;
  const std::string& where() const { return where_; }

 private:
  MappedFile file_;
  std::string where_;
  std::vector<ZipMember> members_;
};

}  // namespace kith
