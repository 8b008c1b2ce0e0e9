#include "kith/datasets/import/byte_reader.h"

#include <fmt/format.h>

#include "kith/core/error.h"

namespace kith {

std::string_view ByteReader::line() {
  if (left() == 0) fail_short(1);
  const void* end = std::memchr(bytes_.data() + position_, '\n', left());
  if (end == nullptr) fail("a line has no end");
  const auto length =
      static_cast<std::size_t>(static_cast<const std::byte*>(end) - bytes_.data()) - position_;
  const std::string_view found = text(length);
  skip(1);
  return found;
}

void ByteReader::fail_at(std::size_t position, std::string_view why) const {
  throw InputError(fmt::format("{}: byte {}: {}", where_, position, why));
}

void ByteReader::fail_short(std::size_t wanted) const {
  fail(fmt::format("the file is cut off: {} bytes are wanted, {} are left", wanted,
                   position_ > bytes_.size() ? 0 : left()));
}

}  // namespace kith
