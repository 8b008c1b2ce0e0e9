#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/core/json_depth.h"
#include "kith/datasets/import/chunks.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/import/named_arrays.h"
#include "kith/datasets/import/node_arrays.h"
#include "kith/datasets/import/sparse_matrix.h"

// The chunked graph data of DGL's distributed preprocessing, which GraphStorm's gconstruct writes too:
// metadata.json names node and edge types, their counts (by type, or by chunk in older files), and for every
// type the chunks of its edges and of each array of its nodes.

namespace kith {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// metadata.json with messages that name the file and the key.
struct Metadata {
  fs::path file;
  Json json;

  [[noreturn]] void fail(const std::string& why) const {
    throw InputError(fmt::format("{}: {}", file.string(), why));
  }
  std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> found;
    if (!json.contains(key) || !json[key].is_array()) fail(fmt::format("no list \"{}\"", key));
    for (const Json& one : json[key]) {
      if (!one.is_string()) fail(fmt::format("{}: {} is no text", key, one.dump().substr(0, 40)));
      found.push_back(one.get<std::string>());
    }
    if (found.empty()) fail(fmt::format("\"{}\" is empty", key));
    return found;
  }
  /// The count of a type: a number, or a list of numbers by chunk.
  std::int64_t count(const char* by_type, const char* by_chunk, std::size_t type) const {
    const char* key = json.contains(by_type) ? by_type : by_chunk;
    if (!json.contains(key) || !json[key].is_array() || json[key].size() <= type)
      fail(fmt::format("neither \"{}\" nor \"{}\" counts type {}", by_type, by_chunk, type));
    const Json& value = json[key][type];
    std::int64_t sum = 0;
    for (const Json& one : value.is_array() ? value : Json::array({value})) {
      if (!one.is_number_integer() || one.get<std::int64_t>() < 0 ||
          one.get<std::int64_t>() > kMostCount - sum)
        fail(fmt::format("{}: {} is no count", key, one.dump().substr(0, 40)));
      sum += one.get<std::int64_t>();
    }
    return sum;
  }
  /// The files of an array: {"format": {"name": …, "delimiter": …}, "data": […]}.
  Chunks chunks(const Json& entry, const std::string& what) const {
    Chunks chunks;
    chunks.where = fmt::format("{}: {}", file.string(), what);
    if (!entry.is_object() || !entry.contains("format") || !entry.contains("data") ||
        !entry["data"].is_array())
      fail(what + " needs \"format\" and a list \"data\"");
    const Json& format = entry["format"];
    if (!format.is_object() || !format.contains("name") || !format["name"].is_string())
      fail(what + ": format has no name");
    chunks.format = format["name"].get<std::string>();
    if (format.contains("delimiter")) {
      if (!format["delimiter"].is_string() || format["delimiter"].get<std::string>().size() != 1)
        fail(what + ": the delimiter is not one letter");
      chunks.delimiter = format["delimiter"].get<std::string>()[0];
    } else {
      chunks.delimiter = ' ';
    }
    for (const Json& one : entry["data"]) {
      if (!one.is_string()) fail(what + ": data holds what is no path");
      chunks.files.push_back(file_inside(file.parent_path(), one.get<std::string>(), chunks.where));
    }
    return chunks;
  }

  static constexpr std::int64_t kMostCount = std::int64_t{1} << 60;
};

Metadata read_metadata(const fs::path& raw) {
  Metadata metadata{fs::is_directory(raw) ? raw / "metadata.json" : raw, {}};
  const std::string text = read_text_file(metadata.file, 16 << 20);
  if (json_depth(text) > kDeepestJson)
    metadata.fail(fmt::format("lists and objects in one another deeper than {}", kDeepestJson));
  try {
    metadata.json = Json::parse(text);
  } catch (const Json::exception& error) {
    metadata.fail(error.what());
  }
  if (!metadata.json.is_object()) metadata.fail("no JSON object");
  return metadata;
}

/// The type of the edges to read, and its place.
struct EdgeType {
  std::string name, node;
  std::size_t place = 0, node_place = 0;
};

EdgeType chosen_type(const Metadata& metadata, const std::string& asked) {
  const std::vector<std::string> nodes = metadata.texts("node_type"), edges = metadata.texts("edge_type");
  if (asked.empty() && (nodes.size() > 1 || edges.size() > 1))
    metadata.fail(
        fmt::format("{} types of nodes ({}) and {} of edges ({}); Kith trains graphs of one type: choose "
                    "with --edge-type",
                    nodes.size(), fmt::join(nodes, ", "), edges.size(), fmt::join(edges, ", ")));
  const auto found = asked.empty() ? edges.begin() : std::find(edges.begin(), edges.end(), asked);
  if (found == edges.end())
    metadata.fail(fmt::format("--edge-type {}: no such type; there are {}", asked, fmt::join(edges, ", ")));
  const std::size_t first = found->find(':'), last = found->rfind(':');
  if (first == std::string::npos || first == last)
    metadata.fail(fmt::format("edge type \"{}\" is not source:relation:destination", *found));
  const std::string source = found->substr(0, first), destination = found->substr(last + 1);
  if (source != destination)
    metadata.fail(fmt::format(
        "edges of type \"{}\" join nodes of two types ({} and {}); Kith trains graphs of one type", *found,
        source, destination));
  const auto node = std::find(nodes.begin(), nodes.end(), source);
  if (node == nodes.end())
    metadata.fail(fmt::format("node type \"{}\" is not among {}", source, fmt::join(nodes, ", ")));
  return {*found, source, static_cast<std::size_t>(found - edges.begin()),
          static_cast<std::size_t>(node - nodes.begin())};
}

/// An object inside an object; an empty one when it is not there.
Json inside(const Json& json, const std::string& outer, const std::string& inner) {
  if (!json.contains(outer) || !json[outer].is_object() || !json[outer].contains(inner))
    return Json::object();
  return json[outer][inner].is_object() ? json[outer][inner] : Json::object();
}

/// The arrays of the nodes of one type, by name.
NamedArrays node_data(const Metadata& metadata, const std::string& type) {
  const Json data = inside(metadata.json, "node_data", type);
  return {fmt::format("{}: node_data/{}", metadata.file.string(), type),
          [data](const std::string& name) { return data.contains(name); },
          [data, &metadata, type](const std::string& name, const auto& use) {
            with_array(metadata.chunks(data[name], fmt::format("node_data/{}/{}", type, name)), use);
          }};
}

}  // namespace

bool recognises_chunked(const fs::path& raw, const ImportRequest&) {
  return fs::is_regular_file(raw / "metadata.json") || raw.filename() == "metadata.json";
}

RawDataset read_chunked(const fs::path& raw, const ImportRequest& request) {
  const Metadata metadata = read_metadata(raw);
  const EdgeType type = chosen_type(metadata, request.edge_type);
  RawDataset data;
  data.name = metadata.json.contains("graph_name") && metadata.json["graph_name"].is_string()
                  ? metadata.json["graph_name"].get<std::string>()
                  : metadata.file.parent_path().filename().string();
  data.nodes = metadata.count("num_nodes_per_type", "num_nodes_per_chunk", type.node_place);
  const std::int64_t count = metadata.count("num_edges_per_type", "num_edges_per_chunk", type.place);
  const Chunks chunks = metadata.chunks(inside(metadata.json, "edges", type.name), "edges/" + type.name);
  auto [source, destination] = edges_of_chunks(chunks);
  if (source.ssize() != count)
    metadata.fail(fmt::format("edges/{}: {} edges in {} files, but the counts say {}", type.name,
                              source.size(), chunks.files.size(), count));
  if (data.nodes > plausible_nodes(count))
    metadata.fail(
        fmt::format("{} nodes for {} edges are more than {}", data.nodes, count, plausible_nodes(count)));
  data.from.edges = chunks.where;
  data.edges = edges_of(std::move(source), std::move(destination), data.nodes);
  const NamedArrays arrays = node_data(metadata, type.node);
  NodeTableOptions names;
  names.label = request.label;
  names.features = request.features;
  if (!inside(metadata.json, "node_data", type.node).empty()) {
    NodeRows rows = attach_arrays(data, arrays, names);
    if (rows.rows != data.nodes)
      throw InputError(fmt::format("{}: {} rows, but {} nodes", rows.where, rows.rows, data.nodes));
    data.node_ids = std::move(rows.ids);
  }
  return data;
}

}  // namespace kith
