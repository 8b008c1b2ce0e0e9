#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kith {

/// The one description of a setting. It makes the flag (`--batch-size`), the TOML key (`batch-size` or
/// `batch_size`), the environment variable (`KITH_BATCH_SIZE`), the help text, the row in docs/settings.md
/// and the settings hash.
struct Setting {
  enum class Type { boolean, integer, real, text, choice, integers, path };

  std::string name = {};  ///< lower case, words joined by '-'
  Type type = Type::text;
  std::string fallback = {};              ///< the default, as a user would write it; empty: none
  std::string help = {};                  ///< one sentence, no full stop
  std::string module = {};                ///< the module that reads it
  std::vector<std::string> verbs = {};    ///< the verbs that take it ("train", "partition", …)
  std::vector<std::string> choices = {};  ///< for Type::choice
  std::optional<double> minimum = {};     ///< inclusive; for numbers
  std::optional<double> maximum = {};
  /// False for what cannot change the result (paths, logging, threads): it is left out of the settings hash.
  bool shapes_result = true;
};

/// The entry of a setting without choices and bounds.
Setting setting_of(std::string module, std::string verb, std::string name, Setting::Type type,
                   std::string fallback, std::string help);

/// All settings of the program; each module adds its own (`void add_settings(Schema&)`).
class Schema {
 public:
  /// The same name may be described again for other verbs. Throws Error when a verb has it already.
  void add(Setting setting);
  const Setting* find(std::string_view name) const;  ///< of any verb; '_' and '-' are equal
  const Setting* find(std::string_view name, std::string_view verb) const;
  const std::vector<Setting>& all() const { return settings_; }
  std::vector<const Setting*> of_verb(std::string_view verb) const;
  /// "unknown setting "fanuot"; did you mean "fanout"?", with the nearest name the verb knows.
  std::string unknown_message(std::string_view verb, std::string_view name) const;

 private:
  std::vector<Setting> settings_;
};

/// The nearest of `known` by edit distance, or nothing when none is near.
std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& known);

/// `; did you mean "planted"?`, or nothing when none is near: the end of a message about an unknown name.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);
/// "did you mean planted?", or "one of planted, rmat" when none is near.
std::string nearest_or_all(std::string_view name, const std::vector<std::string>& known);

/// Values by name, with where each came from. Values are checked against the schema when they are set.
class Settings {
 public:
  /// All of a verb's settings at their defaults. The schema must outlive the settings.
  Settings(const Schema& schema, std::string verb);

  /// Later sources win: TOML file < environment < flags. Each throws InputError on an unknown name (with the
  /// nearest known one), a wrong type, or a value out of range, naming the source (`file:line`, the variable,
  /// the flag).
  void read_toml(const std::filesystem::path& file);
  void read_environment();
  void set(std::string_view name, std::string_view value, const std::string& source);

  bool is_set(std::string_view name) const;     ///< by anything but its default
  bool has_value(std::string_view name) const;  ///< set, or has a default
  bool boolean(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  std::string text(std::string_view name) const;                    ///< any type, as a user would write it
  std::vector<std::int64_t> integers(std::string_view name) const;  ///< "15,10,5"

  /// Every setting that has a value, sorted by name, as a user would write it.
  std::map<std::string, std::string> resolved() const;
  std::string to_toml() const;
  /// FNV-1a 64 over the resolved settings that shape the result.
  std::uint64_t hash() const;

 private:
  struct Value {
    std::string text;
    std::string source;  ///< empty: the default
  };
  const Value& value_of(std::string_view name) const;

  const Schema* schema_;
  std::string verb_;
  std::map<std::string, Value, std::less<>> values_;
};

/// A table of the settings in Markdown: docs/settings.md.
std::string markdown_of(const Schema& schema);

}  // namespace kith
