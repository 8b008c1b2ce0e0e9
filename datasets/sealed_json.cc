#include "kith/datasets/sealed_json.h"

#include "kith/core/checksum.h"
#include "kith/core/error.h"
#include "kith/core/file.h"

namespace kith {
namespace {

std::string seal_of(std::string_view body) {
  return ",\n  \"seal\": \"" + hex_of_hash(checksum_of(bytes_of(body))) + "\"\n}\n";
}

}  // namespace

std::string sealed(std::string_view object) {
  require(object.ends_with("\n}"), "sealed: an indented JSON object");
  const std::string_view body = object.substr(0, object.size() - 2);
  return std::string(body) + seal_of(body);
}

std::string read_sealed(const std::filesystem::path& path) {
  std::string text = read_text_file(path);
  const std::size_t length = seal_of({}).size();
  const std::string_view all = text;
  if (all.size() < length || all.substr(all.size() - length) != seal_of(all.substr(0, all.size() - length))) {
    throw CorruptError(path.string() +
                       ": damaged or edited (it does not match the checksum on its last lines)");
  }
  return text;
}

}  // namespace kith
