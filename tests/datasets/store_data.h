#pragma once
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "partition/graphs.h"

#include "kith/core/error.h"
#include "kith/datasets/store.h"

namespace kith::test {

struct StoreDataOptions {
  std::int64_t nodes = 40;
  std::int64_t edges = 200;
  std::int64_t columns = 3;
  DType dtype = DType::f32;
  bool multi_label = false;
  bool weights = false;
  enum class Ids { none, numbers, names } ids = Ids::none;
  std::uint64_t seed = 1;
};

/// The arrays of a random store, owned: directed, with loops, duplicates and (where edges are few) isolated
/// nodes.
struct StoreData {
  Csr32 graph;
  std::vector<std::byte> features;
  std::vector<float> scales, multi, weights;
  std::vector<std::int64_t> labels, train, valid, test, node_ids;
  std::vector<std::string> node_names;
  StoreDataOptions options;

  explicit StoreData(const StoreDataOptions& o) : graph(random_graph(o.nodes, o.edges, o.seed)), options(o) {
    Draws draws(o.seed + 1);
    // Any byte below 0x30 as the high byte of a float of any width is a finite number.
    features.resize(static_cast<std::size_t>(o.nodes * o.columns) * size_of(o.dtype));
    for (std::byte& b : features) b = static_cast<std::byte>(draws.below(0x30));
    if (o.dtype == DType::i8) scales.assign(static_cast<std::size_t>(o.nodes), 0.5f);
    for (std::int64_t v = 0; v < o.nodes; ++v) {
      labels.push_back(draws.below(5) - 1);
      std::vector<std::int64_t>* splits[] = {&train, &valid, &test, nullptr};
      if (auto* split = splits[draws.below(4)])
        split->insert(split->begin(), v);  // descending: writing sorts
      node_ids.push_back(1000 - 7 * v);
      node_names.push_back("node " + std::string(static_cast<std::size_t>(v % 5), '*') + std::to_string(v));
    }
    for (std::int64_t i = 0; o.multi_label && i < o.nodes * 4; ++i) {
      const int draw = draws.below(3);
      multi.push_back(draw == 2 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(draw));
    }
    for (std::int64_t e = 0; o.weights && e < graph.m(); ++e)
      weights.push_back(static_cast<float>(e) + 0.25f);
    if (o.ids != StoreDataOptions::Ids::numbers) node_ids.clear();
    if (o.ids != StoreDataOptions::Ids::names) node_names.clear();
  }

  StoreArrays arrays() const {
    StoreArrays a;
    a.graph = any(graph);
    a.features = {features.data(), options.dtype, options.nodes, options.columns, scales};
    if (options.multi_label) {
      a.labels = {{}, multi, 4};
    } else {
      a.labels = {labels, {}, 4};
    }
    a.train = train, a.valid = valid, a.test = test;
    a.edge_weights = weights;
    a.node_ids = node_ids;
    a.node_names = node_names;
    return a;
  }
};

/// Equal bits: NaN labels too.
template <class T>
bool same_bits(std::span<const T> a, std::span<const T> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

/// What an Error of type E says when `action` throws it; empty when nothing is thrown.
template <class E, class Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return {};
}

}  // namespace kith::test
