#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/datasets/export/text_writer.h"
#include "kith/datasets/export/writers.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 12;
constexpr float kMostWeight = 1 << 24;  ///< whole numbers up to here are exact in fp32

void note_arrays_left_out(const Store& store, ExportNotes& notes) {
  if (store.meta().features > 0 || store.meta().classes > 0 || store.has_user_ids())
    notes.push_back("the graph only: features, labels, splits and user ids are in --format npy");
}

/// The position of the edge u → v, which must be there.
template <class Index>
std::int64_t position(const CsrView<Index>& csr, std::int64_t u, std::int64_t v) {
  const auto row = csr.row(v);
  return csr.indptr[v] + (std::lower_bound(row.begin(), row.end(), static_cast<Index>(u)) - row.begin());
}

/// METIS takes whole weights above 0, the same both ways.
bool weights_fit_metis(const Store& store) {
  const auto weights = store.edge_weights();
  if (weights.empty()) return false;
  return store.graph().visit([&](auto csr) {
    return parallel_reduce(
        0, csr.n(), kGrain, true,
        [&](std::int64_t begin, std::int64_t end) {
          bool fit = true;
          for (std::int64_t v = begin; v < end && fit; ++v)
            for (std::int64_t e = csr.indptr[v]; e < csr.indptr[v + 1]; ++e) {
              const std::int64_t u = csr.indices[e];
              const float w = weights[e];
              fit &= u == v ||
                     (w >= 1 && w <= kMostWeight && w == std::floor(w) && weights[position(csr, v, u)] == w);
            }
          return fit;
        },
        [](bool a, bool b) { return a && b; });
  });
}

/// The first edge without its reverse.
[[noreturn]] void refuse_directed(const Store& store) {
  store.graph().visit([&](auto csr) {
    for (std::int64_t v = 0; v < csr.n(); ++v)
      for (const auto u : csr.row(v)) {
        const auto back = csr.row(u);
        if (!std::binary_search(back.begin(), back.end(), static_cast<decltype(+u)>(v)))
          throw InputError(
              fmt::format("{}: node {} has an edge to node {}, but there is none back: METIS graphs "
                          "are undirected; prepare the store with --undirected, or use --format mtx",
                          store.folder().string(), std::int64_t{u}, v));
      }
  });
  throw InputError(store.folder().string() + ": METIS graphs are undirected");
}

}  // namespace

void write_metis(const Store& store, const std::filesystem::path& out, ExportNotes& notes) {
  const CsrAny graph = store.graph();
  const GraphProperties properties = properties_of(graph);
  if (!properties.symmetric) refuse_directed(store);
  const bool weighted = weights_fit_metis(store);
  const auto weights = store.edge_weights();
  const std::string head =
      fmt::format("{} {}{}\n", graph.n(), properties.undirected_edges, weighted ? " 001" : "");
  write_rows(out, head, graph.n(), kGrain, [&](std::int64_t begin, std::int64_t end, std::string& text) {
    graph.visit([&](auto csr) {
      for (std::int64_t v = begin; v < end; ++v) {
        std::int64_t last = v;  // parallel edges count once
        for (std::int64_t e = csr.indptr[v]; e < csr.indptr[v + 1]; ++e) {
          const std::int64_t u = csr.indices[e];
          if (u == v || u == last) continue;
          if (text.size() > 0 && text.back() != '\n') text += ' ';
          append_number(text, u + 1);
          if (weighted) {
            text += ' ';
            append_number(text, static_cast<std::int64_t>(weights[e]));
          }
          last = u;
        }
        text += '\n';
      }
    });
  });
  if (properties.self_loops > 0)
    notes.push_back(fmt::format("{} self-loops were left out: METIS has none", properties.self_loops));
  if (!weights.empty() && !weighted)
    notes.push_back("edge weights were left out: METIS takes whole numbers above 0, the same both ways");
  note_arrays_left_out(store, notes);
}

void write_matrix_market(const Store& store, const std::filesystem::path& out, ExportNotes& notes) {
  const CsrAny graph = store.graph();
  const auto weights = store.edge_weights();
  const std::string head = fmt::format(
      "%%MatrixMarket matrix coordinate {} general\n% entry (i, j) is the edge from node i to node j\n{} {} "
      "{}\n",
      weights.empty() ? "pattern" : "real", graph.n(), graph.n(), graph.m());
  write_rows(out, head, graph.n(), kGrain, [&](std::int64_t begin, std::int64_t end, std::string& text) {
    for_edges(graph, begin, end, [&](std::int64_t source, std::int64_t destination, std::int64_t e) {
      append_number(text, source + 1);
      text += ' ';
      append_number(text, destination + 1);
      if (!weights.empty()) {
        text += ' ';
        append_number(text, weights[e]);
      }
      text += '\n';
    });
  });
  note_arrays_left_out(store, notes);
}

}  // namespace kith
