#include "kith/datasets/import/zip.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <zlib.h>

#include "kith/core/error.h"
#include "kith/datasets/import/byte_reader.h"
#include "kith/datasets/import/inflate.h"

// PKWARE's APPNOTE.TXT, 4.3: local headers with data, then the central directory, then its end record (with
// zip64 a longer one before it, found through a locator). Only the central directory is trusted, and only
// within bounds.

namespace kith {
namespace {

constexpr std::uint32_t kLocalMagic = 0x04034b50, kEntryMagic = 0x02014b50, kEndMagic = 0x06054b50,
                        kEnd64Magic = 0x06064b50, kLocator64Magic = 0x07064b50;
constexpr std::size_t kEntrySize = 46, kEndSize = 22, kLocatorSize = 20, kLongestComment = 65535;
constexpr std::uint32_t kSee64 = 0xffffffff;
constexpr std::uint16_t kEncrypted = 1, kStored = 0, kDeflated = 8, kExtra64 = 1;

struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
};

std::size_t find_end_record(std::span<const std::byte> bytes, const std::string& where) {
  if (bytes.size() < kEndSize)
    throw InputError(fmt::format("{}: {} bytes are too few for a zip archive", where, bytes.size()));
  const std::size_t last = bytes.size() - kEndSize;
  const std::size_t first = last - std::min(last, kLongestComment);
  for (std::size_t at = last + 1; at-- > first;) {
    ByteReader reader(bytes, where, at);
    if (reader.number<std::uint32_t>() != kEndMagic) continue;
    reader.skip(kEndSize - 6);
    if (reader.number<std::uint16_t>() == last - at) return at;
  }
  throw InputError(fmt::format("{}: no zip archive, or one that is cut off (no end record)", where));
}

std::optional<Directory> find_directory64(std::span<const std::byte> bytes, std::size_t end,
                                          const std::string& where) {
  if (end < kLocatorSize) return std::nullopt;
  ByteReader locator(bytes, where, end - kLocatorSize);
  if (locator.number<std::uint32_t>() != kLocator64Magic) return std::nullopt;
  locator.skip(4);
  const auto offset = locator.number<std::uint64_t>();
  if (offset > bytes.size()) locator.fail(fmt::format("the zip64 end record at {} lies outside", offset));
  ByteReader record(bytes, where, offset);
  if (record.number<std::uint32_t>() != kEnd64Magic) record.fail("no zip64 end record here");
  record.skip(28);
  Directory directory;
  directory.entries = record.number<std::uint64_t>();
  directory.size = record.number<std::uint64_t>();
  directory.offset = record.number<std::uint64_t>();
  return directory;
}

Directory find_directory(std::span<const std::byte> bytes, const std::string& where) {
  const std::size_t end = find_end_record(bytes, where);
  if (const auto directory = find_directory64(bytes, end, where)) return *directory;
  ByteReader record(bytes, where, end + 4);
  if (record.number<std::uint16_t>() != 0) record.fail("archives of several disks are not read");
  record.skip(4);
  Directory directory;
  directory.entries = record.number<std::uint16_t>();
  directory.size = record.number<std::uint32_t>();
  directory.offset = record.number<std::uint32_t>();
  return directory;
}

/// The 64-bit values stand in this order, each only where the 32-bit one is all ones.
void read_extra64(ByteReader& reader, std::size_t length, ZipMember& member) {
  ByteReader fields = reader;
  reader.skip(length);
  const std::size_t end = reader.position();
  while (fields.position() + 4 <= end) {
    const auto id = fields.number<std::uint16_t>();
    const auto size = fields.number<std::uint16_t>();
    const std::size_t next = fields.position() + size;
    if (next > end) fields.fail("an extra field is longer than its room");
    if (id == kExtra64)
      for (std::uint64_t* value : {&member.size, &member.packed_size, &member.header_offset})
        if (*value == kSee64 && fields.position() + 8 <= next) *value = fields.number<std::uint64_t>();
    fields.skip(next - fields.position());
  }
}

ZipMember read_entry(ByteReader& reader) {
  ZipMember member;
  if (reader.number<std::uint32_t>() != kEntryMagic) reader.fail("no entry of a central directory here");
  reader.skip(4);
  if ((reader.number<std::uint16_t>() & kEncrypted) != 0) reader.fail("the archive is encrypted");
  member.method = reader.number<std::uint16_t>();
  reader.skip(4);
  member.crc = reader.number<std::uint32_t>();
  member.packed_size = reader.number<std::uint32_t>();
  member.size = reader.number<std::uint32_t>();
  const auto name_length = reader.number<std::uint16_t>();
  const auto extra_length = reader.number<std::uint16_t>();
  const auto comment_length = reader.number<std::uint16_t>();
  reader.skip(8);
  member.header_offset = reader.number<std::uint32_t>();
  member.name = reader.text(name_length);
  read_extra64(reader, extra_length, member);
  reader.skip(comment_length);
  return member;
}

/// The packed bytes behind a member's local header.
std::span<const std::byte> packed_bytes(std::span<const std::byte> file, const ZipMember& member,
                                        const std::string& where) {
  if (member.header_offset > file.size())
    throw InputError(fmt::format("{}: its header at byte {} lies outside the file of {}", where,
                                 member.header_offset, file.size()));
  ByteReader reader(file, where, member.header_offset);
  if (reader.number<std::uint32_t>() != kLocalMagic) reader.fail("no member of a zip archive here");
  reader.skip(22);
  const auto name_length = reader.number<std::uint16_t>();
  const auto extra_length = reader.number<std::uint16_t>();
  reader.skip(name_length);
  reader.skip(extra_length);
  return reader.take(member.packed_size);
}

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<z_size_t>(bytes.size())));
}

}  // namespace

ZipArchive::ZipArchive(std::filesystem::path path) : file_(std::move(path)), where_(file_.path().string()) {
  const Directory directory = find_directory(file_.bytes(), where_);
  if (directory.offset > file_.size() || directory.size > file_.size() - directory.offset)
    throw InputError(fmt::format("{}: the central directory [{}, +{}) lies outside the file of {} bytes",
                                 where_, directory.offset, directory.size, file_.size()));
  if (directory.entries > directory.size / kEntrySize)
    throw InputError(fmt::format("{}: {} members do not fit in a directory of {} bytes", where_,
                                 directory.entries, directory.size));
  ByteReader reader(file_.bytes().first(directory.offset + directory.size), where_, directory.offset);
  for (std::uint64_t i = 0; i < directory.entries; ++i) members_.push_back(read_entry(reader));
}

const ZipMember* ZipArchive::find(std::string_view name) const {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const ZipMember& member) { return member.name == name; });
  return found == members_.end() ? nullptr : &*found;
}

ZipBytes ZipArchive::read(const ZipMember& member) const {
  const std::string where = where_ + ": " + member.name;
  const auto packed = packed_bytes(file_.bytes(), member, where);
  ZipBytes out;
  if (member.method == kStored) {
    if (member.packed_size != member.size)
      throw InputError(
          fmt::format("{}: stored as {} bytes, but {} long", where, member.packed_size, member.size));
    out.bytes = packed;
  } else if (member.method == kDeflated) {
    out.owned = inflated(packed, member.size, where);
    out.bytes = out.owned.span();
  } else {
    throw InputError(fmt::format("{}: compression method {} is not read (0 stored and 8 deflated are)", where,
                                 member.method));
  }
  if (const std::uint32_t crc = crc_of(out.bytes); crc != member.crc)
    throw InputError(
        fmt::format("{}: damaged: CRC {:08x}, the directory says {:08x}", where, crc, member.crc));
  return out;
}

}  // namespace kith
