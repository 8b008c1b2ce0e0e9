#pragma once
#include <string>
#include <vector>

#include "kith/core/ledger.h"
#include "kith/exec/halo/halo_state.h"
#include "kith/kernels/backend.h"

namespace kith {

/// The rows that arrived last, of a layer and direction whose exchanges bring some of them, or bring them
/// late.
class KeptRows {
 public:
  KeptRows() = default;
  KeptRows(std::int64_t rows, std::int64_t cols) : rows_(rows, cols, 0.0f) {}

  const Matrix& rows() const { return rows_; }

  /// What an exchange brings.
  struct Arrival {
    Matrix rows;
    std::span<const std::int32_t> places = {};  ///< of the rows among the kept ones
    bool all = false;                           ///< every kept row, in order
    bool keeps_others = false;                  ///< rows without a place stay; otherwise they become zeros
    float smoothing = 0;  ///< γ: what is kept becomes γ · kept + (1 − γ) · arrived, but for the first arrival
    std::uint32_t step = 0;              ///< that sent them
    std::span<const char> crossed = {};  ///< [rows] which ones did cross; empty: all
  };
  void take(const Backend& on, Arrival arrival);

  /// Adds how many rows are how many steps old at `step`, under `<counter>.<age>`: up to 63 an age by itself,
  /// then the power of two below it (64 stands for 64 to 127). Rows that never came are not counted.
  void count_ages(std::uint32_t step, const std::string& counter, int layer, Ledger& ledger) const;

  void save(HaloState& state, const std::string& name) const;
  /// Throws CorruptError unless they are so many rows.
  static KeptRows restored(const HaloState& state, const std::string& name, std::int64_t rows);

 private:
  void note_steps(const Arrival& arrival);

  Matrix rows_;
  bool started_ = false;
  std::vector<std::int64_t> sent_;  ///< [rows] the step that sent what is kept; −1: none
};

}  // namespace kith
