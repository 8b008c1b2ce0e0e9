#pragma once
#include <compare>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace kith {

/// What a sender decides by looking at its rows: which of them cross, and in how many bits; and what all
/// ranks decide by what they measured: the encoding of a layer, out of a ladder.
enum class Decided : std::uint8_t { crossing = 0, bits = 1, rung = 2 };

/// One decision: of the rows for a peer in an exchange.
struct DecisionKey {
  std::uint32_t step = 0;
  std::int32_t layer = 0;
  bool backward = false;
  Decided what = Decided::crossing;
  std::int32_t peer = 0;
  friend auto operator<=>(const DecisionKey&, const DecisionKey&) = default;
};

/// The encoding of a layer: all peers' and both directions'.
inline DecisionKey ladder_key(std::uint32_t step, int layer) {
  return {.step = step, .layer = layer, .what = Decided::rung, .peer = -1};
}

/// Whose decisions a log has.
struct DecisionOwner {
  std::int32_t ranks = 1, rank = 0;
  std::uint64_t nodes = 0;  ///< a checksum of the rank's rows
  friend bool operator==(const DecisionOwner&, const DecisionOwner&) = default;
};

/// A code for each of so many rows, packed.
struct NotedCodes {
  std::uint32_t rows = 0;
  std::vector<std::byte> bytes;
};

/// The decisions of one rank's training: what decides asks here, which notes its answer, or gives the one of
/// another run.
class HaloDecisions {
 public:
  /// A code for every row of a frame.
  using Codes = std::vector<std::uint8_t>;

  /// Adds what is decided from step `begin` on to a file; what it has of later steps is dropped, and so is a
  /// last decision that is not whole.
  void note_in(const std::filesystem::path& file, const DecisionOwner& owner, std::uint32_t begin);
  void flush() { out_.flush(); }

  /// Decides as the run that wrote this file. Throws InputError where it is of other parts or ranks,
  /// CorruptError where it is damaged.
  void follow(const std::filesystem::path& file, const DecisionOwner& owner);

  /// What `decide` says of so many rows or, of a followed run, what was noted there: InputError where that is
  /// nothing.
  Codes settled(const DecisionKey& key, std::int64_t rows, const std::function<Codes()>& decide);
  /// Of a followed run; nothing where none is.
  std::optional<Codes> followed(const DecisionKey& key, std::int64_t rows) const;

 private:
  std::filesystem::path followed_;
  std::optional<std::map<DecisionKey, NotedCodes>> answers_;
  std::ofstream out_;
  std::filesystem::path noted_;
};

/// FOLDER/rank-00000.log.
std::filesystem::path decision_file(const std::filesystem::path& folder, int rank);

}  // namespace kith
