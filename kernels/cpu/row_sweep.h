#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kith/graph/csr.h"
#include "kith/kernels/cpu/row_chunks.h"

namespace kith {

/// One task of a sweep over rows: whole rows, a piece of a hub, or a hub whose pieces are done.
struct SweepTask {
  enum class Kind { rows, piece, hub };
  Kind kind = Kind::rows;
  std::int64_t begin = 0, end = 0;  ///< rows: positions in the list; piece: entries of `row`
  std::int64_t row = 0;             ///< piece, hub
  float* states = nullptr;          ///< piece: where its state goes; hub: its pieces' states, in order
  std::int64_t pieces = 0;          ///< hub
  std::int64_t slot = 0;            ///< rows, hub: 0, 1, …, each task's own
};

/// Shares out the rows of a CSR, or a list of some, to tasks of about equal work. A row of more than kPiece
/// entries, a hub, is cut into pieces, which leave a state each that the hub then puts together in order.
/// Neither chunks nor pieces depend on the number of threads.
class RowSweep {
 public:
  static constexpr std::int64_t kPiece = 4096;

  RowSweep(CsrView<std::int32_t> a, std::span<const std::int32_t> rows);
  /// How many slots the tasks have.
  std::int64_t slots() const { return chunks_.count() + static_cast<std::int64_t>(hubs_.size()); }
  /// Calls body for every task, in parallel. A state is `state_size` numbers.
  void run(std::int64_t state_size, const std::function<void(const SweepTask&)>& body) const;

 private:
  void run_chunk(std::int64_t chunk, const std::function<void(const SweepTask&)>& body) const;
  void run_hubs(std::int64_t state_size, const std::function<void(const SweepTask&)>& body) const;

  CsrView<std::int32_t> a_;
  std::span<const std::int32_t> rows_;
  RowChunks chunks_;
  std::vector<std::int64_t> hubs_;  ///< their rows, in the order of the list
};

}  // namespace kith
