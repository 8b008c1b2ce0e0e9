#include "kith/exec/safetensors.h"

#include <array>
#include <cstring>
#include <optional>

#include <nlohmann/json.hpp>

#include "kith/core/checksum.h"
#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/core/json_depth.h"
#include "kith/core/mapped_file.h"

namespace kith {
namespace {

using Json = nlohmann::json;
constexpr std::size_t kLengthBytes = 8;

/// Nothing when an extent is negative or the product leaves 64 bits.
std::optional<std::size_t> elements_of(const std::vector<std::int64_t>& shape) {
  std::size_t size = 1;
  for (const std::int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(size, static_cast<std::size_t>(extent), &size))
      return std::nullopt;
  return size;
}

Json header_of(const std::vector<NamedTensor>& tensors, const std::map<std::string, std::string>& metadata) {
  Json header;
  header["__metadata__"] = metadata;
  std::size_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    require(elements_of(tensor.shape) == tensor.values.size(), "a tensor's shape holds its values",
            {{"tensor", std::string_view(tensor.name)}, {"values", tensor.values.size()}});
    const std::size_t end = offset + tensor.values.size() * sizeof(float);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  return header;
}

std::string padded(const Json& header) {
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

/// Of everything but itself: the header without it (keys in order), then the data, which the caller adds.
Checksum checksum_of_header(Json header) {
  header["__metadata__"].erase("checksum");
  const std::string text = header.dump();
  Checksum checksum;
  checksum.add(std::as_bytes(std::span(text)));
  return checksum;
}

[[noreturn]] void corrupt(const std::filesystem::path& file, const std::string& what) {
  throw CorruptError(file.string() + ": " + what);
}

std::string header_text(const MappedFile& file) {
  if (file.size() < kLengthBytes) corrupt(file.path(), "shorter than a safetensors header");
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  if (length > file.size() - kLengthBytes)
    corrupt(file.path(), "the header reaches past the end of the file");
  return {reinterpret_cast<const char*>(file.data()) + kLengthBytes, static_cast<std::size_t>(length)};
}

}  // namespace

void write_safetensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors,
                       std::map<std::string, std::string> metadata) {
  metadata["format"] = "pt";
  Json json = header_of(tensors, metadata);
  Checksum checksum = checksum_of_header(json);
  for (const NamedTensor& tensor : tensors) checksum.add(std::as_bytes(tensor.values));
  json["__metadata__"]["checksum"] = hex_of_hash(checksum.value());
  const std::string header = padded(json);
  const std::uint64_t length = header.size();
  AtomicFile out(file);
  out.write(std::as_bytes(std::span(&length, 1)));
  out.write(header);
  for (const NamedTensor& tensor : tensors) out.write(std::as_bytes(tensor.values));
  out.commit();
}

Safetensors Safetensors::read(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string text = header_text(file);
  const std::span<const std::byte> data = file.bytes().subspan(kLengthBytes + text.size());
  Safetensors result;
  result.file_ = path;
  Json header;
  try {
    header = Json::parse(shallow_json(text, path.string()));
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        result.metadata_ = entry.get<std::map<std::string, std::string>>();
        continue;
      }
      for (const char* numbers : {"data_offsets", "shape"})
        for (const Json& number : entry.at(numbers))
          if (!number.is_number_unsigned())
            corrupt(path, std::string(numbers) + " of \"" + name + "\" are no counts");
      const auto offsets = entry.at("data_offsets").get<std::array<std::size_t, 2>>();
      const auto shape = entry.at("shape").get<std::vector<std::int64_t>>();
      const bool inside = offsets[0] <= offsets[1] && offsets[1] <= data.size() &&
                          offsets[0] % sizeof(float) == 0 && offsets[1] % sizeof(float) == 0;
      const std::size_t elements = (offsets[1] - offsets[0]) / sizeof(float);
      if (entry.at("dtype") != "F32" || !inside || elements_of(shape) != elements)
        corrupt(path, "tensor \"" + name + "\" is not fp32 or lies outside the file");
      result.tensors_[name] = {shape, offsets[0] / sizeof(float), elements};
    }
  } catch (const Json::exception& problem) {
    corrupt(path, std::string("malformed header: ") + problem.what());
  }
  const auto expected = result.metadata_.find("checksum");
  if (expected != result.metadata_.end()) {
    Checksum checksum = checksum_of_header(std::move(header));
    checksum.add(data);
    if (expected->second != hex_of_hash(checksum.value()))
      corrupt(path, "the content does not match its checksum");
  }
  result.data_ = Array<float>(data.size() / sizeof(float));
  if (!data.empty()) std::memcpy(result.data_.data(), data.data(), result.data_.size() * sizeof(float));
  return result;
}

std::span<const float> Safetensors::tensor(const std::string& name, std::int64_t elements) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) corrupt(file_, "no tensor \"" + name + '"');
  const Entry& entry = found->second;
  if (entry.elements != static_cast<std::size_t>(elements))
    corrupt(file_, "tensor \"" + name + "\" has " + std::to_string(entry.elements) +
                       " elements, the model needs " + std::to_string(elements));
  return data_.span().subspan(entry.offset, entry.elements);
}

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> all;
  for (const auto& [name, entry] : tensors_) all.push_back(name);
  return all;
}

const std::vector<std::int64_t>& Safetensors::shape(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) corrupt(file_, "no tensor \"" + name + '"');
  return found->second.shape;
}

}  // namespace kith
