#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kith/core/array.h"
#include "kith/core/tensor.h"

namespace kith {

/// One fp32 tensor of a safetensors file.
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<const float> values;
};

/// Writes a safetensors file (8-byte header length, JSON, raw little-endian data; opens in PyTorch and NumPy)
/// whole or not at all. `metadata` gets a "checksum" of header and data added.
void write_safetensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors,
                       std::map<std::string, std::string> metadata);

/// A read file: every tensor is fp32.
class Safetensors {
 public:
  /// Throws InputError when it is not there, CorruptError when it is cut, malformed or fails its checksum.
  static Safetensors read(const std::filesystem::path& file);

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  bool has(const std::string& name) const { return tensors_.contains(name); }
  /// Throws CorruptError when it is not there or its size is not `elements`.
  std::span<const float> tensor(const std::string& name, std::int64_t elements) const;
  std::vector<std::string> names() const;
  /// Throws CorruptError when it is not there.
  const std::vector<std::int64_t>& shape(const std::string& name) const;

 private:
  struct Entry {
    std::vector<std::int64_t> shape;
    std::size_t offset = 0, elements = 0;
  };
  std::filesystem::path file_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, Entry> tensors_;
  Array<float> data_;
};

}  // namespace kith
