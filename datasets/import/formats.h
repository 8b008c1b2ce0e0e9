#pragma once
#include "kith/datasets/import/registry.h"

// The two functions of every raw format; their contracts are those of ImportFormat.

namespace kith {

/// The citation data of Yang, Cohen and Salakhutdinov, "Revisiting semi-supervised learning with graph
/// embeddings" (2016): pickled SciPy and NumPy objects, `ind.NAME.*`. RAW is the folder, or the path up to
/// NAME.
bool recognises_planetoid(const std::filesystem::path& raw, const ImportRequest& request);
RawDataset read_planetoid(const std::filesystem::path& raw, const ImportRequest& request);

}  // namespace kith
