#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "kith/core/array.h"
#include "kith/core/mapped_file.h"
#include "kith/datasets/import/sparse_matrix.h"
#include "kith/datasets/npy.h"

namespace kith {

/// A `defaultdict(list)` of node → neighbours, as edges in file order.
struct PickledGraph {
  Array<std::int64_t> source, destination;
  std::int64_t keys = 0;
  std::int64_t largest_id = -1;  ///< of keys and neighbours
};

/// One pickled object of exactly three kinds: a NumPy array, a SciPy csr_matrix, a defaultdict(list) of whole
/// numbers, in protocol 2 as Python 2 wrote them. Nothing is executed: an opcode or a global beyond those
/// that these objects need is refused by its name, with file and byte, as InputError.
NpyView read_pickled_array(const MappedFile& file);  ///< views the file
SparseMatrix read_pickled_csr(const MappedFile& file);
PickledGraph read_pickled_graph(const MappedFile& file);

}  // namespace kith
