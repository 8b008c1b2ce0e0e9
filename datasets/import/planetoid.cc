#include <algorithm>
#include <cstring>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kith/core/error.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/import/pickle.h"
#include "kith/datasets/import/sparse_matrix.h"
#include "kith/datasets/import/text_table.h"

// Eight files: x, y of the training nodes, allx, ally of all but the test nodes (training nodes first), tx,
// ty of the test nodes in the order of test.index, which gives their ids, and graph. Ids from |allx| on that
// test.index leaves out (15 in CiteSeer) are nodes without features and label.

namespace kith {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kValid = 500;  // the public split's

struct Prefix {
  fs::path folder;
  std::string name;
  MappedFile file(std::string_view part) const {
    return MappedFile(folder / fmt::format("ind.{}.{}", name, part));
  }
  fs::path path(std::string_view part) const { return folder / fmt::format("ind.{}.{}", name, part); }
};

/// NAME of `ind.NAME.graph`, else nothing.
std::string name_in(const std::string& file) {
  constexpr std::string_view kFirst = "ind.", kLast = ".graph";
  if (!file.starts_with(kFirst) || !file.ends_with(kLast) || file.size() <= kFirst.size() + kLast.size())
    return "";
  return file.substr(kFirst.size(), file.size() - kFirst.size() - kLast.size());
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    if (const std::string name = name_in(entry.path().filename().string()); !name.empty()) names.insert(name);
  return names;
}

/// RAW as "folder/ind.cora": the folder and the name.
bool is_prefix(const fs::path& raw) {
  return raw.filename().string().starts_with("ind.") && fs::exists(raw.string() + ".graph");
}

Prefix prefix_of(const fs::path& raw, const ImportRequest& request) {
  if (is_prefix(raw)) return {raw.parent_path(), raw.filename().string().substr(4)};
  if (!fs::is_directory(raw))
    throw InputError(fmt::format("{}: no folder, and no path up to ind.NAME", raw.string()));
  const auto names = names_in(raw);
  if (!request.name.empty()) {
    if (!names.contains(request.name))
      throw InputError(fmt::format("{}: no ind.{}.graph; the folder holds: {}", raw.string(), request.name,
                                   fmt::join(names, ", ")));
    return {raw, request.name};
  }
  if (names.size() == 1) return {raw, *names.begin()};
  throw InputError(fmt::format("{}: holds {} data sets ({}); choose one with --name", raw.string(),
                               names.size(), fmt::join(names, ", ")));
}

Array<std::int64_t> read_test_index(const Prefix& prefix, std::int64_t first, std::int64_t rows) {
  const TextFile file(prefix.path("test.index"));
  TextTable<std::int64_t> table = parse_table<std::int64_t>(file, {});
  if (table.columns != 1) throw InputError(fmt::format("{}: {} columns, not 1", file.where(), table.columns));
  if (table.rows != rows)
    throw InputError(fmt::format("{}: {} ids, but tx has {} rows", file.where(), table.rows, rows));
  // The ids of the test nodes follow those of allx with few gaps.
  const std::int64_t bound = first + 2 * rows + 1000;
  for (std::int64_t i = 0; i < rows; ++i)
    if (table.values[i] < first || table.values[i] >= bound)
      throw InputError(fmt::format("{}:{}: id {} is outside [{}, {})", file.where(), i + 1, table.values[i],
                                   first, bound));
  return std::move(table.values);
}

/// The class of every row of a one-hot array; −1 where none is set.
Array<std::int64_t> classes_of(const NpyView& one_hot, std::int64_t rows) {
  one_hot.expect_shape({rows, -1});
  const std::int64_t count = one_hot.header.shape[1];
  const Array<std::int64_t> values = one_hot.copied<std::int64_t>();
  Array<std::int64_t> classes(static_cast<std::size_t>(rows), std::int64_t{-1});
  for (std::int64_t i = 0; i < values.ssize(); ++i) {
    if (values[i] == 0) continue;
    if (values[i] != 1 || classes[i / count] != -1)
      throw InputError(fmt::format("{}: row {} is not one-hot (value {} in column {})", one_hot.where,
                                   i / count, values[i], i % count));
    classes[i / count] = i % count;
  }
  return classes;
}

/// allx's rows where they are, tx's rows at their ids, zeros elsewhere.
RawFeatures placed_features(const SparseMatrix& allx, const SparseMatrix& tx,
                            std::span<const std::int64_t> test, std::int64_t nodes) {
  const RawFeatures front = dense_of(allx), back = dense_of(tx);
  RawFeatures features;
  features.rows = nodes;
  features.cols = allx.cols;
  const auto row_bytes = allx.cols * static_cast<std::int64_t>(sizeof(float));
  features.bytes = Array<std::byte>(nodes * row_bytes, std::byte{0});
  std::copy(front.bytes.begin(), front.bytes.end(), features.bytes.begin());
  for (std::size_t i = 0; i < test.size(); ++i)
    std::copy_n(back.bytes.data() + static_cast<std::int64_t>(i) * row_bytes, row_bytes,
                features.bytes.data() + test[i] * row_bytes);
  return features;
}

void expect_columns(const SparseMatrix& matrix, const SparseMatrix& like) {
  if (matrix.cols != like.cols)
    throw InputError(
        fmt::format("{}: {} columns, but {} has {}", matrix.where, matrix.cols, like.where, like.cols));
}

void set_public_split(RawDataset& raw, std::int64_t train, std::int64_t known, Array<std::int64_t> test) {
  raw.split.train = Array<std::int64_t>(static_cast<std::size_t>(train));
  for (std::int64_t i = 0; i < train; ++i) raw.split.train[i] = i;
  const std::int64_t valid = std::min(kValid, known - train);
  raw.split.valid = Array<std::int64_t>(static_cast<std::size_t>(valid));
  for (std::int64_t i = 0; i < valid; ++i) raw.split.valid[i] = train + i;
  raw.split.test = std::move(test);
}

void set_graph(RawDataset& raw, const Prefix& prefix) {
  PickledGraph graph = read_pickled_graph(prefix.file("graph"));
  raw.from.edges = prefix.path("graph").string();
  if (graph.largest_id >= raw.nodes)
    throw InputError(
        fmt::format("{}: node {} is outside [0, {})", raw.from.edges, graph.largest_id, raw.nodes));
  raw.edges = edges_of(std::move(graph.source), std::move(graph.destination), raw.nodes);
}

void set_nodes(RawDataset& raw, const Prefix& prefix) {
  const SparseMatrix allx = read_pickled_csr(prefix.file("allx")), tx = read_pickled_csr(prefix.file("tx")),
                     x = read_pickled_csr(prefix.file("x"));
  expect_columns(tx, allx);
  expect_columns(x, allx);
  if (x.rows > allx.rows)
    throw InputError(fmt::format("{}: {} rows, more than the {} of allx", x.where, x.rows, allx.rows));
  const MappedFile y_file = prefix.file("y"), ally_file = prefix.file("ally"), ty_file = prefix.file("ty");
  const NpyView y = read_pickled_array(y_file), ally = read_pickled_array(ally_file),
                ty = read_pickled_array(ty_file);
  y.expect_shape({x.rows, -1});
  const Array<std::int64_t> front = classes_of(ally, allx.rows), back = classes_of(ty, tx.rows);
  raw.class_count = ally.header.shape[1];
  ty.expect_shape({tx.rows, raw.class_count});
  y.expect_shape({x.rows, raw.class_count});
  Array<std::int64_t> test = read_test_index(prefix, allx.rows, tx.rows);
  raw.nodes = std::max(allx.rows, 1 + *std::max_element(test.begin(), test.end()));
  raw.classes = Array<std::int64_t>(static_cast<std::size_t>(raw.nodes), std::int64_t{-1});
  std::copy(front.begin(), front.end(), raw.classes.begin());
  for (std::int64_t i = 0; i < test.ssize(); ++i) raw.classes[test[i]] = back[i];
  raw.features = placed_features(allx, tx, test, raw.nodes);
  if (const std::int64_t missing = raw.nodes - allx.rows - tx.rows; missing > 0)
    raw.notes.push_back(
        fmt::format("{} ids that test.index leaves out became nodes without features and label", missing));
  set_public_split(raw, x.rows, allx.rows, std::move(test));
}

}  // namespace

bool recognises_planetoid(const fs::path& raw, const ImportRequest&) {
  return is_prefix(raw) || (fs::is_directory(raw) && !names_in(raw).empty());
}

RawDataset read_planetoid(const fs::path& raw, const ImportRequest& request) {
  const Prefix prefix = prefix_of(raw, request);
  RawDataset data;
  data.name = prefix.name;
  data.meant_undirected = true;
  data.self_loops = SelfLoops::drop;
  data.from.features = prefix.path("allx").string();
  data.from.labels = prefix.path("ally").string();
  data.from.split[2] = prefix.path("test.index").string();
  set_nodes(data, prefix);
  set_graph(data, prefix);
  return data;
}

}  // namespace kith
