#pragma once
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

namespace kith {

/// What the process returns; `mpiexec` ORs the ranks' codes, so ranks agree on one before leaving.
enum class ExitCode : int {
  done = 0,
  other = 1,
  bad_input = 2,
  out_of_memory = 3,
  peer_lost = 4,
  corrupt = 5,
  requeue = 75
};

/// The root of every exception Kith throws on purpose.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what, ExitCode code = ExitCode::other)
      : std::runtime_error(what), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// Raw input or settings the user can mend; the message names file:line, the value and the bound.
struct InputError : Error {
  explicit InputError(const std::string& what) : Error(what, ExitCode::bad_input) {}
};
/// The work does not fit in memory; the message says what it needs and which setting to change.
struct MemoryError : Error {
  explicit MemoryError(const std::string& what) : Error(what, ExitCode::out_of_memory) {}
};
/// A peer was lost or made no progress; the message names rank and operation.
struct PeerError : Error {
  explicit PeerError(const std::string& what) : Error(what, ExitCode::peer_lost) {}
};
/// A store, partitioning or checkpoint is damaged.
struct CorruptError : Error {
  explicit CorruptError(const std::string& what) : Error(what, ExitCode::corrupt) {}
};

/// A named number or text for an error message.
struct Fact {
  std::string_view name;
  std::string value;
  Fact(std::string_view n, std::int64_t v) : name(n), value(std::to_string(v)) {}
  Fact(std::string_view n, std::size_t v) : name(n), value(std::to_string(v)) {}
  Fact(std::string_view n, int v) : name(n), value(std::to_string(v)) {}
  Fact(std::string_view n, double v) : name(n), value(std::to_string(v)) {}
  Fact(std::string_view n, std::string_view v) : name(n), value(v) {}
};

/// "sentence (name = value, …)".
std::string with_facts(std::string_view sentence, std::initializer_list<Fact> facts);

namespace detail {
[[noreturn]] void fail_requirement(std::string_view sentence, std::initializer_list<Fact> facts);
}

/// Throws Error when a caller broke a contract. Always on, so `holds` must be O(1); O(n) checks are
/// `validate(x)`.
inline void require(bool holds, std::string_view sentence, std::initializer_list<Fact> facts = {}) {
  if (!holds) [[unlikely]]
    detail::fail_requirement(sentence, facts);
}

}  // namespace kith
