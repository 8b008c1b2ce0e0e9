#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kith/datasets/import/byte_reader.h"

namespace kith::pickle {

/// A value by its place in the machine's pool, so that lists and dictionaries can be shared and filled later.
using Ref = std::int32_t;

/// What a pickle of the three kinds is made of. Only the fields of the kind are used.
struct Value {
  enum class Kind { none, boolean, integer, text, tuple, list, dict, global, dtype, array, csr, graph };
  Kind kind = Kind::none;
  std::int64_t integer = 0;     ///< integer, boolean
  std::string_view text = {};   ///< text, global ("module name"), dtype ("i4"); array: its elements
  std::vector<Ref> items = {};  ///< tuple, list; array: shape; dict and graph: key, value, key, value, …
  Ref type = -1;                ///< array: its dtype
  std::size_t position = 0;     ///< the byte of the opcode that made it
};
std::string_view name_of(Value::Kind kind);

/// Runs a protocol-2 pickle over plain values. The whole language it knows is in `step`; whatever else stands
/// in the file ends in InputError.
class Machine {
 public:
  Machine(std::span<const std::byte> bytes, std::string_view where) : reader_(bytes, where) {}
  /// The object of the file; throws InputError when it is of another kind.
  const Value& run(Value::Kind wanted);
  const Value& at(Ref ref) const { return pool_[static_cast<std::size_t>(ref)]; }
  /// at(ref), which must be of this kind.
  const Value& expect(Ref ref, Value::Kind kind) const;
  std::int64_t integer(Ref ref) const { return expect(ref, Value::Kind::integer).integer; }
  [[noreturn]] void fail(const Value& value, std::string_view why) const {
    reader_.fail_at(value.position, why);
  }

 private:
  /// Executes one opcode; false after STOP.
  bool step();
  bool step_container(std::uint8_t opcode);
  bool step_atom(std::uint8_t opcode);
  bool step_object(std::uint8_t opcode);

  Ref made(Value value);
  void push(Value value) { stack_.push_back(made(std::move(value))); }
  void push_text(std::size_t length);
  void push_integer(std::int64_t number);
  void push_tuple(std::size_t count);
  Ref pop();
  Ref top();
  std::vector<Ref> pop_to_mark();
  void append(std::span<const Ref> items);
  void set_items(std::span<const Ref> items);
  void remember(std::size_t slot);
  void recall(std::size_t slot);
  void push_global();
  void reduce();
  void new_object();
  void build();
  void build_dtype(const Value& dtype, const Value& state);
  void build_array(Value& array, const Value& state);

  ByteReader reader_;
  std::size_t opcode_position_ = 0;
  std::vector<Value> pool_;
  std::vector<Ref> stack_;
  std::vector<std::size_t> marks_;
  std::vector<Ref> memo_;
};

}  // namespace kith::pickle
