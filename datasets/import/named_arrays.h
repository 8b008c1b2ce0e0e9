#pragma once
#include <functional>
#include <string>

#include "kith/datasets/import/npz.h"
#include "kith/datasets/import/raw_dataset.h"

namespace kith {

/// A set of arrays by name: a folder of `.npy` files or an `.npz`.
struct NamedArrays {
  std::string where;
  std::function<bool(const std::string& name)> has;
  /// Calls `use` with the array; the view lives that long.
  std::function<void(const std::string& name, const std::function<void(const NpyView&)>& use)> with;
};
NamedArrays arrays_in_folder(const std::filesystem::path& folder);
NamedArrays arrays_in_npz(const std::filesystem::path& file);

/// True when there are `indptr` and `indices`, or `edges`.
bool has_graph(const NamedArrays& arrays);
/// The data set of arrays named as in the store; of `indptr` and `indices` the rows are what `rows_are` says.
RawDataset dataset_of(const NamedArrays& arrays, RowsAre rows_are);

}  // namespace kith
