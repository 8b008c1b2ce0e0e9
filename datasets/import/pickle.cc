#include "kith/datasets/import/pickle.h"

#include <optional>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/import/pickle_machine.h"

namespace kith {
namespace {

using pickle::Machine;
using pickle::Ref;
using pickle::Value;
using Kind = Value::Kind;

std::optional<DType> dtype_of_name(std::string_view name) {
  constexpr std::pair<std::string_view, DType> kNames[] = {
      {"i1", DType::i8},  {"i2", DType::i16}, {"i4", DType::i32}, {"i8", DType::i64},
      {"u1", DType::u8},  {"u2", DType::u16}, {"u4", DType::u32}, {"u8", DType::u64},
      {"f2", DType::f16}, {"f4", DType::f32}, {"f8", DType::f64}, {"b1", DType::boolean}};
  for (const auto& [known, type] : kNames)
    if (known == name) return type;
  return std::nullopt;
}

NpyView view_of(const Machine& machine, const Value& array, std::string where) {
  if (array.type < 0) machine.fail(array, "an array without content");
  const Value& dtype = machine.at(array.type);
  const auto type = dtype_of_name(dtype.text);
  if (!type) machine.fail(dtype, fmt::format("element type \"{}\" is refused", dtype.text));
  NpyView view;
  view.where = std::move(where);
  view.header.dtype = *type;
  view.header.fortran_order = array.integer != 0;
  std::uint64_t bytes = size_of(*type);
  for (const Ref item : array.items) {
    const std::int64_t length = machine.integer(item);
    const bool absurd =
        length < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(length), &bytes);
    if (absurd) machine.fail(array, fmt::format("an array of length {}", length));
    view.header.shape.push_back(length);
  }
  if (bytes != array.text.size())
    machine.fail(array, fmt::format("its shape needs {} bytes, {} are there", bytes, array.text.size()));
  view.data = std::as_bytes(std::span(array.text.data(), array.text.size()));
  return view;
}

/// A member of a csr_matrix.
const Value& member(const Machine& machine, const Value& object, std::string_view name, Kind kind) {
  for (std::size_t i = 0; i + 1 < object.items.size(); i += 2)
    if (machine.expect(object.items[i], Kind::text).text == name)
      return machine.expect(object.items[i + 1], kind);
  machine.fail(object, fmt::format("the csr_matrix has no \"{}\"", name));
}

}  // namespace

NpyView read_pickled_array(const MappedFile& file) {
  const std::string where = file.path().string();
  Machine machine(file.bytes(), where);
  return view_of(machine, machine.run(Kind::array), where);
}

SparseMatrix read_pickled_csr(const MappedFile& file) {
  SparseMatrix matrix;
  matrix.where = file.path().string();
  Machine machine(file.bytes(), matrix.where);
  const Value& object = machine.run(Kind::csr);
  if (member(machine, object, "format", Kind::text).text != "csr")
    machine.fail(object, "its format is not csr");
  const Value& shape = member(machine, object, "_shape", Kind::tuple);
  if (shape.items.size() != 2) machine.fail(shape, "the shape of a matrix has 2 numbers");
  matrix.rows = machine.integer(shape.items[0]);
  matrix.cols = machine.integer(shape.items[1]);
  auto array = [&](std::string_view name) {
    return view_of(machine, member(machine, object, name, Kind::array),
                   fmt::format("{}: {}", matrix.where, name));
  };
  matrix.indptr = array("indptr").copied<std::int64_t>();
  matrix.indices = array("indices").copied<std::int64_t>();
  matrix.values = array("data").copied<float>();
  if (matrix.values.size() != matrix.indices.size())
    machine.fail(object, "as many values as indices are needed");
  check(matrix);
  return matrix;
}

PickledGraph read_pickled_graph(const MappedFile& file) {
  const std::string where = file.path().string();
  Machine machine(file.bytes(), where);
  const Value& object = machine.run(Kind::graph);
  PickledGraph graph;
  std::vector<std::int64_t> source, destination;
  // A list is small, but it may be shared: count before copying, so that a small file cannot ask for much.
  std::size_t edges = 0;
  for (std::size_t i = 1; i < object.items.size(); i += 2)
    edges += machine.expect(object.items[i], Kind::list).items.size();
  if (edges > file.size()) machine.fail(object, fmt::format("{} neighbours in {} bytes", edges, file.size()));
  auto id = [&](Ref ref) {
    const std::int64_t number = machine.integer(ref);
    if (number < 0) machine.fail(machine.at(ref), fmt::format("node {} is negative", number));
    graph.largest_id = std::max(graph.largest_id, number);
    return number;
  };
  for (std::size_t i = 0; i + 1 < object.items.size(); i += 2) {
    const std::int64_t node = id(object.items[i]);
    for (const Ref neighbour : machine.at(object.items[i + 1]).items) {
      source.push_back(node);
      destination.push_back(id(neighbour));
    }
  }
  graph.keys = static_cast<std::int64_t>(object.items.size() / 2);
  graph.source = copy_of(std::span<const std::int64_t>(source));
  graph.destination = copy_of(std::span<const std::int64_t>(destination));
  return graph;
}

}  // namespace kith
