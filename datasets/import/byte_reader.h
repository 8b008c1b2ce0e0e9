#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace kith {

/// Little-endian numbers and byte runs from a bounded view, one after the other. Every read that would pass
/// the end throws InputError with the file and the byte.
class ByteReader {
 public:
  /// `where` begins every message; it must outlive the reader.
  ByteReader(std::span<const std::byte> bytes, std::string_view where, std::size_t position = 0)
      : bytes_(bytes), where_(where), position_(position) {}

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::span<const std::byte> take(std::size_t count) {
    if (position_ > bytes_.size() || count > bytes_.size() - position_) fail_short(count);
    const auto taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }
  std::string_view text(std::size_t count) {
    const auto taken = take(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  /// Up to the next newline, which is passed.
  std::string_view line();
  void skip(std::size_t count) { take(count); }
  std::size_t position() const { return position_; }
  std::size_t left() const { return bytes_.size() - position_; }
  /// Throws InputError "file: byte 17: why".
  [[noreturn]] void fail(std::string_view why) const { fail_at(position_, why); }
  [[noreturn]] void fail_at(std::size_t position, std::string_view why) const;

 private:
  [[noreturn]] void fail_short(std::size_t wanted) const;

  std::span<const std::byte> bytes_;
  std::string_view where_;
  std::size_t position_;
};

}  // namespace kith
