#pragma once
#include <filesystem>
#include <string>

#include "kith/datasets/inspect.h"

namespace kith::inspection {

/// One JSON value as text: the library that makes it stays out of headers.
struct JsonText {
  std::string text;
};

/// Collects a fact in both forms.
class Facts {
 public:
  void add(const char* key, const std::string& name, const JsonText& value, const std::string& text);
  void add(const char* key, const std::string& name, std::int64_t value);
  void add(const char* key, const std::string& name, const std::string& value);
  void add_table(const char* key, DescribedTable table, const JsonText& value);
  Description finished() &&;

 private:
  void put(const char* key, const JsonText& value);
  std::string json_;  ///< members, in the order they came
  Description description_;
};

/// "12 (3.4%)".
std::string share(std::int64_t part, std::int64_t whole);
/// `value` as a part of the largest, for a bar.
inline double part_of_largest(std::int64_t value, std::int64_t largest) {
  return largest > 0 ? static_cast<double>(value) / static_cast<double>(largest) : 0;
}

/// What stores and partitioned stores have in common.
void add_identity(Facts& facts, const char* kind, const std::filesystem::path& folder, const StoreMeta& meta);
void add_contents(Facts& facts, const StoreMeta& meta);
void add_split(Facts& facts, Split split, std::int64_t size, std::int64_t nodes);
void add_storage(Facts& facts, const UserIdView& ids, std::int64_t bytes);

}  // namespace kith::inspection
