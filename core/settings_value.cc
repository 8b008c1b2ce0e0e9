#include "kith/core/settings_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kith/core/error.h"

namespace kith::detail {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

template <class T>
bool parse(std::string_view text, T& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

/// One value being checked, with what its error messages need.
struct Check {
  const Setting& setting;
  std::string_view value;
  const std::string& source;

  [[noreturn]] void refuse(const std::string& expected) const {
    throw InputError(fmt::format("{}: {} = \"{}\": expected {}", source, setting.name, value, expected));
  }

  void check_range(double number) const {
    if (setting.minimum && number < *setting.minimum) refuse(fmt::format("at least {}", *setting.minimum));
    if (setting.maximum && number > *setting.maximum) refuse(fmt::format("at most {}", *setting.maximum));
  }

  std::string boolean() const {
    const std::string word = canonical_name(value);
    for (const auto* yes : {"true", "1", "yes", "on"})
      if (word == yes) return "true";
    for (const auto* no : {"false", "0", "no", "off"})
      if (word == no) return "false";
    refuse("true or false");
  }

  std::string integer(std::string_view text, const char* expected) const {
    std::int64_t number = 0;
    if (!parse(trimmed(text), number)) refuse(expected);
    check_range(static_cast<double>(number));
    return std::to_string(number);
  }

  std::string real() const {
    double number = 0;
    if (!parse(trimmed(value), number) || !std::isfinite(number)) refuse("a number");
    check_range(number);
    return fmt::format("{}", number);
  }

  std::string choice() const {
    const std::string word = canonical_name(value);
    for (const std::string& known : setting.choices)
      if (canonical_name(known) == word) return known;
    refuse(fmt::format("one of {}{}", fmt::join(setting.choices, ", "), did_you_mean(word, setting.choices)));
  }

  std::string integers() const {
    constexpr const char* kExpected = "whole numbers separated by commas, like 15,10,5";
    std::string joined;
    for (std::size_t begin = 0; begin <= value.size();) {
      const std::size_t comma = std::min(value.find(',', begin), value.size());
      if (begin > 0) joined += ',';
      joined += integer(value.substr(begin, comma - begin), kExpected);
      begin = comma + 1;
    }
    return joined;
  }
};

}  // namespace

std::string canonical_value(const Setting& setting, std::string_view value, const std::string& source) {
  const Check check{setting, value, source};
  switch (setting.type) {
    case Setting::Type::boolean: return check.boolean();
    case Setting::Type::integer: return check.integer(value, "a whole number");
    case Setting::Type::real: return check.real();
    case Setting::Type::choice: return check.choice();
    case Setting::Type::integers: return check.integers();
    case Setting::Type::text:
    case Setting::Type::path: break;
  }
  return std::string(value);
}

std::vector<std::int64_t> parsed_integers(std::string_view text) {
  std::vector<std::int64_t> numbers;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    numbers.emplace_back();
    require(parse(text.substr(0, comma), numbers.back()), "a canonical list of integers parses",
            {{"text", text}});
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return numbers;
}

std::string canonical_name(std::string_view name) {
  std::string canonical(name);
  for (char& c : canonical) {
    if (c == '_') c = '-';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return canonical;
}

}  // namespace kith::detail
