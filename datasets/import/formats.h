#pragma once
#include "kith/datasets/import/registry.h"

// The two functions of every raw format; their contracts are those of ImportFormat.

namespace kith {

/// The citation data of Yang, Cohen and Salakhutdinov, "Revisiting semi-supervised learning with graph
/// embeddings" (2016): pickled SciPy and NumPy objects, `ind.NAME.*`. RAW is the folder, or the path up to
/// NAME.
bool recognises_planetoid(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_planetoid(const std::filesystem::path& raw, const ImportRequest& request);

/// The `.npz` of Shchur et al., "Pitfalls of graph neural network evaluation" (2018): adj_*, attr_*, labels.
bool recognises_gnn_benchmark(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_gnn_benchmark(const std::filesystem::path& raw, const ImportRequest& request);

/// The `.npz` of Platonov et al., "A critical look at the evaluation of GNNs under heterophily" (2023): edges
/// once, several masks; `mask:K` chooses, 0 by default.
bool recognises_heterophilous(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_heterophilous(const std::filesystem::path& raw, const ImportRequest& request);

/// A folder of `.npy` files, or one `.npz`, of `indptr, indices` (rows are destinations, as in the store) or
/// `edges`
/// ([2, E] or [E, 2], source first), and optionally `features, labels, train, valid, test, edge_weights,
/// node_ids`.
bool recognises_npy(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_npy(const std::filesystem::path& raw, const ImportRequest& request);
bool recognises_npz(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_npz(const std::filesystem::path& raw, const ImportRequest& request);

/// The raw folder of an Open Graph Benchmark node-property data set, `raw/` and `split/`, as csv.gz or binary
/// npz.
bool recognises_ogb(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_ogb(const std::filesystem::path& raw, const ImportRequest& request);

/// `scipy.sparse.save_npz`: an adjacency matrix as CSR, CSC or COO; rows are sources. Values that are not all
/// 1 are the edges' weights.
bool recognises_scipy(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_scipy(const std::filesystem::path& raw, const ImportRequest& request);

/// Matrix Market coordinate files (pattern, integer, real; general, symmetric), `.mtx[.gz]`; rows are
/// sources.
bool recognises_matrix_market(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_matrix_market(const std::filesystem::path& raw, const ImportRequest& request);

/// METIS graph files, `.graph[.gz]`, `.metis[.gz]`, with every fmt. Both directions of every edge are
/// checked.
bool recognises_metis(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_metis(const std::filesystem::path& raw, const ImportRequest& request);

/// DGL's chunked graph data (metadata.json), as GraphStorm writes it: one node and edge type, or `edge_type`.
bool recognises_chunked(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_chunked(const std::filesystem::path& raw, const ImportRequest& request);

/// GraphBolt's on-disk data sets (metadata.yaml), not preprocessed: one node and edge type, or `edge_type`.
bool recognises_graphbolt(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_graphbolt(const std::filesystem::path& raw, const ImportRequest& request);

/// Text, one edge a line (source, destination), `.gz` or not: comments (# %), a header and any separator are
/// recognised; further columns are left out. Ids with large gaps are numbered anew and kept as the user's
/// ids.
bool recognises_edge_list(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_edge_list(const std::filesystem::path& raw, const ImportRequest& request);

}  // namespace kith
