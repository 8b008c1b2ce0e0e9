#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kith {

/// An encoding of a ladder.
struct HaloRung {
  std::string encode;  ///< as --encode takes it
  double error = 0;    ///< of a row's length, what it usually loses
};

/// Encodings from the fewest bytes to nothing lost, of which every layer's exchanges take one; what they take
/// is settled from outside (--error-budget), alike on all ranks.
class HaloLadder {
 public:
  explicit HaloLadder(std::vector<HaloRung> rungs) : rungs_(std::move(rungs)) {}
  virtual ~HaloLadder() = default;

  const std::vector<HaloRung>& rungs() const { return rungs_; }
  int top() const { return static_cast<int>(rungs_.size()) - 1; }
  /// The first where nobody said.
  int rung(int layer) const;
  void put(int layer, int rung);
  /// Whether somebody said what layers take.
  bool settled() const { return !by_layer_.empty(); }
  const std::map<int, int>& by_layer() const { return by_layer_; }

  /// Of one row of `cols` columns, roughly; `sparse`: ReLU and dropout zeroed three of four elements.
  virtual double row_bytes(int rung, std::int64_t cols, bool sparse) const = 0;

 private:
  std::vector<HaloRung> rungs_;
  std::map<int, int> by_layer_;
};

/// Of rows as they are, and of rows without their zeros.
std::vector<HaloRung> plain_rungs();
std::vector<HaloRung> support_rungs();
/// The first that usually loses at most so much.
const HaloRung& likely_rung(const std::vector<HaloRung>& rungs, double error);

}  // namespace kith
