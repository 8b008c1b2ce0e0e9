#include "kith/datasets/import/pickle_machine.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "kith/core/error.h"

// Python's pickle is a stack machine (its opcodes are documented in CPython's Lib/pickletools.py). Here
// `GLOBAL` can only name six things, and REDUCE, NEWOBJ and BUILD only fill in a description of an array, a
// matrix or a dictionary: nothing is imported, called or constructed. Every opcode adds at most one value, so
// memory is bounded by the file.

namespace kith::pickle {
namespace {

using Kind = Value::Kind;

enum Opcode : std::uint8_t {
  mark = '(',
  stop = '.',
  binint = 'J',
  binint1 = 'K',
  binint2 = 'M',
  none = 'N',
  reduce_op = 'R',
  binstring = 'T',
  short_binstring = 'U',
  append_op = 'a',
  build_op = 'b',
  global_op = 'c',
  empty_dict = '}',
  appends = 'e',
  binget = 'h',
  long_binget = 'j',
  empty_list = ']',
  binput = 'q',
  long_binput = 'r',
  setitem = 's',
  tuple = 't',
  empty_tuple = ')',
  setitems = 'u',
  proto = 0x80,
  newobj = 0x81,
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  newtrue = 0x88,
  newfalse = 0x89
};

constexpr std::string_view kReconstruct = "numpy.core.multiarray _reconstruct", kNdarray = "numpy ndarray",
                           kDtype = "numpy dtype", kCsr = "scipy.sparse.csr csr_matrix",
                           kDefaultDict = "collections defaultdict", kList = "__builtin__ list";
constexpr std::array kGlobals = {kReconstruct, kNdarray, kDtype, kCsr, kDefaultDict, kList};

constexpr std::size_t kLargestMemo = std::size_t{1} << 24;

/// The names of opcodes that pickles use and this machine refuses, for the message.
std::string name_of_opcode(std::uint8_t opcode) {
  constexpr std::pair<std::uint8_t, std::string_view> kNames[] = {{'i', "INST"},
                                                                  {'o', "OBJ"},
                                                                  {'P', "PERSID"},
                                                                  {'Q', "BINPERSID"},
                                                                  {0x82, "EXT1"},
                                                                  {0x83, "EXT2"},
                                                                  {0x84, "EXT4"},
                                                                  {0x8a, "LONG1"},
                                                                  {0x8b, "LONG4"},
                                                                  {'I', "INT"},
                                                                  {'L', "LONG"},
                                                                  {'F', "FLOAT"},
                                                                  {'G', "BINFLOAT"},
                                                                  {'S', "STRING"},
                                                                  {'V', "UNICODE"},
                                                                  {'X', "BINUNICODE"},
                                                                  {0x93, "STACK_GLOBAL"},
                                                                  {0x92, "NEWOBJ_EX"},
                                                                  {0x94, "MEMOIZE"},
                                                                  {0x95, "FRAME"},
                                                                  {'B', "BINBYTES"},
                                                                  {'C', "SHORT_BINBYTES"},
                                                                  {0x8c, "SHORT_BINUNICODE"},
                                                                  {'0', "POP"},
                                                                  {'1', "POP_MARK"},
                                                                  {'2', "DUP"},
                                                                  {'d', "DICT"},
                                                                  {'l', "LIST"},
                                                                  {'p', "PUT"},
                                                                  {'g', "GET"}};
  for (const auto& [code, name] : kNames)
    if (code == opcode) return std::string(name);
  return fmt::format("0x{:02x}", opcode);
}

}  // namespace

std::string_view name_of(Kind kind) {
  constexpr std::string_view kNames[] = {"None",  "bool",    "int",        "str",
                                         "tuple", "list",    "dict",       "global",
                                         "dtype", "ndarray", "csr_matrix", "defaultdict(list)"};
  return kNames[static_cast<std::size_t>(kind)];
}

const Value& Machine::run(Kind wanted) {
  if (reader_.left() < 2 || reader_.number<std::uint8_t>() != proto || reader_.number<std::uint8_t>() != 2)
    reader_.fail_at(0, "this is no pickle of protocol 2");
  while (step()) {
  }
  if (stack_.size() != 1 || !marks_.empty())
    reader_.fail(fmt::format("it ends with {} objects, not 1", stack_.size()));
  if (reader_.left() != 0) reader_.fail(fmt::format("{} bytes behind the object", reader_.left()));
  return expect(stack_.front(), wanted);
}

const Value& Machine::expect(Ref ref, Kind kind) const {
  const Value& value = at(ref);
  if (value.kind != kind)
    fail(value, fmt::format("a {} stands where a {} belongs", name_of(value.kind), name_of(kind)));
  return value;
}

bool Machine::step() {
  opcode_position_ = reader_.position();
  const auto opcode = reader_.number<std::uint8_t>();
  if (opcode == stop) return false;
  if (!step_atom(opcode) && !step_container(opcode) && !step_object(opcode))
    reader_.fail_at(opcode_position_,
                    fmt::format("opcode {} is refused: arrays need it not", name_of_opcode(opcode)));
  return true;
}

bool Machine::step_atom(std::uint8_t opcode) {
  switch (opcode) {
    case none: push({}); return true;
    case newtrue: push({.kind = Kind::boolean, .integer = 1}); return true;
    case newfalse: push({.kind = Kind::boolean}); return true;
    case binint: push_integer(reader_.number<std::int32_t>()); return true;
    case binint1: push_integer(reader_.number<std::uint8_t>()); return true;
    case binint2: push_integer(reader_.number<std::uint16_t>()); return true;
    case short_binstring: push_text(reader_.number<std::uint8_t>()); return true;
    case binstring: push_text(reader_.number<std::uint32_t>()); return true;
    case binget: recall(reader_.number<std::uint8_t>()); return true;
    case long_binget: recall(reader_.number<std::uint32_t>()); return true;
    case binput: remember(reader_.number<std::uint8_t>()); return true;
    case long_binput: remember(reader_.number<std::uint32_t>()); return true;
    default: return false;
  }
}

bool Machine::step_container(std::uint8_t opcode) {
  switch (opcode) {
    case mark: marks_.push_back(stack_.size()); return true;
    case empty_tuple: push_tuple(0); return true;
    case tuple1: push_tuple(1); return true;
    case tuple2: push_tuple(2); return true;
    case tuple3: push_tuple(3); return true;
    case tuple: push({.kind = Kind::tuple, .items = pop_to_mark()}); return true;
    case empty_list: push({.kind = Kind::list}); return true;
    case empty_dict: push({.kind = Kind::dict}); return true;
    case append_op: {
      const Ref item = pop();
      append({&item, 1});
      return true;
    }
    case appends: append(pop_to_mark()); return true;
    case setitem: {
      const Ref value = pop();
      const Ref pair[] = {pop(), value};
      set_items(pair);
      return true;
    }
    case setitems: set_items(pop_to_mark()); return true;
    default: return false;
  }
}

bool Machine::step_object(std::uint8_t opcode) {
  switch (opcode) {
    case global_op: push_global(); return true;
    case reduce_op: reduce(); return true;
    case newobj: new_object(); return true;
    case build_op: build(); return true;
    default: return false;
  }
}

Ref Machine::made(Value value) {
  value.position = opcode_position_;
  pool_.push_back(std::move(value));
  return static_cast<Ref>(pool_.size() - 1);
}

void Machine::push_text(std::size_t length) { push({.kind = Kind::text, .text = reader_.text(length)}); }
void Machine::push_integer(std::int64_t number) { push({.kind = Kind::integer, .integer = number}); }

void Machine::push_tuple(std::size_t count) {
  std::vector<Ref> items(count);
  for (std::size_t i = count; i-- > 0;) items[i] = pop();
  push({.kind = Kind::tuple, .items = std::move(items)});
}

Ref Machine::top() {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) reader_.fail_at(opcode_position_, "the stack is empty");
  return stack_.back();
}

Ref Machine::pop() {
  const Ref ref = top();
  stack_.pop_back();
  return ref;
}

std::vector<Ref> Machine::pop_to_mark() {
  if (marks_.empty()) reader_.fail_at(opcode_position_, "there is no mark");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<Ref> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

void Machine::append(std::span<const Ref> items) {
  const Ref list = top();
  expect(list, Kind::list);
  auto& target = pool_[static_cast<std::size_t>(list)].items;
  target.insert(target.end(), items.begin(), items.end());
}

void Machine::set_items(std::span<const Ref> items) {
  if (items.size() % 2 != 0) reader_.fail_at(opcode_position_, "a key has no value");
  Value& target = pool_[static_cast<std::size_t>(top())];
  if (target.kind != Kind::dict && target.kind != Kind::graph) fail(target, "it is no dictionary");
  target.items.insert(target.items.end(), items.begin(), items.end());
}

void Machine::remember(std::size_t slot) {
  if (slot >= kLargestMemo)
    reader_.fail_at(opcode_position_, fmt::format("memo {} is outside [0, {})", slot, kLargestMemo));
  // Memos are numbered as they come, so a file of b bytes has fewer than b.
  if (slot > reader_.position())
    reader_.fail_at(opcode_position_, fmt::format("memo {} is out of order", slot));
  if (slot >= memo_.size()) memo_.resize(slot + 1, -1);
  memo_[slot] = top();
}

void Machine::recall(std::size_t slot) {
  if (slot >= memo_.size() || memo_[slot] < 0)
    reader_.fail_at(opcode_position_, fmt::format("memo {} was never set", slot));
  stack_.push_back(memo_[slot]);
}

void Machine::push_global() {
  const std::string module(reader_.line());
  const std::string wanted = module + " " + std::string(reader_.line());
  const auto found = std::find(kGlobals.begin(), kGlobals.end(), wanted);
  if (found == kGlobals.end())
    reader_.fail_at(
        opcode_position_,
        fmt::format("global \"{}\" is refused: only NumPy arrays, csr_matrix and defaultdict(list) are read",
                    wanted));
  push({.kind = Kind::global, .text = *found});
}

void Machine::reduce() {
  const std::vector<Ref> arguments = expect(pop(), Kind::tuple).items;
  const std::string_view callee = expect(pop(), Kind::global).text;
  auto is_global = [&](std::size_t i, std::string_view name) {
    return i < arguments.size() && at(arguments[i]).kind == Kind::global && at(arguments[i]).text == name;
  };
  if (callee == kReconstruct && arguments.size() == 3 && is_global(0, kNdarray))
    return push({.kind = Kind::array});
  if (callee == kDefaultDict && arguments.size() == 1 && is_global(0, kList))
    return push({.kind = Kind::graph});
  if (callee == kDtype && arguments.size() == 3)
    return push({.kind = Kind::dtype, .text = expect(arguments[0], Kind::text).text});
  reader_.fail_at(opcode_position_,
                  fmt::format("a call of \"{}\" with {} arguments is refused", callee, arguments.size()));
}

void Machine::new_object() {
  const bool plain = expect(pop(), Kind::tuple).items.empty();
  const std::string_view type = expect(pop(), Kind::global).text;
  if (type != kCsr || !plain) reader_.fail_at(opcode_position_, fmt::format("a new \"{}\" is refused", type));
  push({.kind = Kind::csr});
}

void Machine::build() {
  const Ref state = pop();
  Value& target = pool_[static_cast<std::size_t>(top())];
  switch (target.kind) {
    case Kind::csr: target.items = expect(state, Kind::dict).items; return;
    case Kind::dtype: return build_dtype(target, expect(state, Kind::tuple));
    case Kind::array: return build_array(target, expect(state, Kind::tuple));
    default: fail(target, fmt::format("the state of a {} is refused", name_of(target.kind)));
  }
}

/// (3, byte order, None, None, None, −1, −1, 0): nothing but the byte order can matter.
void Machine::build_dtype(const Value& dtype, const Value& state) {
  if (state.items.size() != 8) fail(dtype, "its state is no simple dtype's");
  const std::string_view order = expect(state.items[1], Kind::text).text;
  if (order != "<" && order != "|") fail(dtype, fmt::format("byte order \"{}\" is refused", order));
  for (std::size_t i = 2; i < 5; ++i) expect(state.items[i], Kind::none);
}

/// (1, shape, dtype, is it in column order, elements)
void Machine::build_array(Value& array, const Value& state) {
  if (state.items.size() != 5) fail(array, "its state is no array's");
  array.items = expect(state.items[1], Kind::tuple).items;
  array.type = state.items[2];
  expect(array.type, Kind::dtype);
  array.integer = expect(state.items[3], Kind::boolean).integer;
  array.text = expect(state.items[4], Kind::text).text;
}

}  // namespace kith::pickle
