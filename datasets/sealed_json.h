#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace kith {

/// A JSON object that ends with the checksum of the text before it, so that every changed byte is found at
/// opening. `object` is indented by two and ends with "\n}".
std::string sealed(std::string_view object);

/// The text of a sealed file. Throws InputError when it is not there, CorruptError when the seal is broken.
std::string read_sealed(const std::filesystem::path& path);

}  // namespace kith
