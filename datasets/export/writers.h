#pragma once
#include "kith/datasets/export/export_store.h"

// The writers of every format; their contracts are those of ExportFormat.

namespace kith {

class NpyWriter;

/// A folder of `.npy` files named as in the store.
void write_npy_folder(const Store& store, const std::filesystem::path& out, ExportNotes& notes);
/// `edges.csv` and `nodes.csv` in a folder; the edges alone where OUT ends in .csv, .tsv, .txt or these and
/// .gz.
bool is_edge_file(const std::filesystem::path& out);
void write_edge_text(const Store& store, const std::filesystem::path& out, ExportNotes& notes);
/// A METIS graph file; refuses a graph that is not symmetric.
void write_metis(const Store& store, const std::filesystem::path& out, ExportNotes& notes);
/// A Matrix Market coordinate file; rows are sources.
void write_matrix_market(const Store& store, const std::filesystem::path& out, ExportNotes& notes);
/// The raw folder of OGB's node property data sets, csv.gz.
void write_ogb(const Store& store, const std::filesystem::path& out, ExportNotes& notes);
/// GraphBolt's on-disk layout: metadata.yaml and `.npy` files.
void write_graphbolt(const Store& store, const std::filesystem::path& out, ExportNotes& notes);

// What several of them share.

/// Feature i (row · cols + column), scales applied.
float feature_at(const FeatureView& features, std::int64_t i);
/// The sources of all edges, then (by `write_destinations`) their destinations, in the store's order.
void write_sources(const Store& store, NpyWriter& file);
void write_destinations(const Store& store, NpyWriter& file);
/// Features as `.npy`: fp32 and fp16 as they are, other types as fp32 with a note.
void write_plain_features(const Store& store, const std::filesystem::path& path, ExportNotes& notes);
/// Calls use(source, destination, edge) for the edges into nodes [begin, end).
template <class Use>
void for_edges(const CsrAny& graph, std::int64_t begin, std::int64_t end, Use&& use) {
  graph.visit([&](auto csr) {
    for (std::int64_t v = begin; v < end; ++v)
      for (std::int64_t e = csr.indptr[v]; e < csr.indptr[v + 1]; ++e)
        use(std::int64_t{csr.indices[e]}, v, e);
  });
}

}  // namespace kith
