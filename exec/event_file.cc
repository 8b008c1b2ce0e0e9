// TensorBoard's format by hand: records of a length, a masked CRC-32C of it, a protobuf message and a masked
// CRC-32C of that. Of the messages three fields are needed, so no protobuf library is.
#include "kith/exec/event_file.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "kith/core/file.h"

namespace kith {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
    table[i] = crc;
  }
  return table;
}();

std::uint32_t masked_crc32c(const std::string& bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes) crc = kCrcTable[(crc ^ static_cast<std::uint8_t>(c)) & 0xFF] ^ (crc >> 8);
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

template <class T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7) bytes += static_cast<char>(value | 128);
  return bytes + static_cast<char>(value);
}

/// A field that holds bytes: a text or another message.
std::string field(int number, const std::string& content) {
  return varint(static_cast<std::uint64_t>(number) << 3 | 2) + varint(content.size()) + content;
}

std::string record(const std::string& event) {
  const std::string length = raw(static_cast<std::uint64_t>(event.size()));
  return length + raw(masked_crc32c(length)) + event + raw(masked_crc32c(event));
}

/// Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
std::string event_head(double wall_time, std::uint64_t step) {
  return '\x09' + raw(wall_time) + '\x10' + varint(step);
}

/// Summary { repeated Value value = 1; }  Value { string tag = 1; float simple_value = 2; }
std::string scalar(const std::string& tag, double value) {
  return field(1, field(1, tag) + '\x15' + raw(static_cast<float>(value)));
}

}  // namespace

void write_event_file(const std::filesystem::path& run) {
  std::string file = record(event_head(0, 0) + field(3, "brain.Event:2"));
  double seconds = 0;
  std::ifstream metrics(run / "metrics.jsonl");
  for (std::string line; std::getline(metrics, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    seconds += json.value("seconds", 0.0);
    std::string scalars;
    for (const auto& [name, value] : json.items())
      if (value.is_number() && name != "epoch") scalars += scalar(name, value.get<double>());
    file += record(event_head(seconds, json.value("epoch", std::uint64_t{0})) + field(5, scalars));
  }
  write_text_file(run / "events.out.tfevents.0.kith", file);
}

}  // namespace kith
