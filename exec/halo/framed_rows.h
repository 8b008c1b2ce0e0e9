#pragma once
#include <memory>

#include "kith/exec/halo/frames.h"

namespace kith {

/// The rows of an exchange between this rank and one peer: `begin` is the first one's place among those of
/// all peers.
struct HaloLink {
  Rank peer{0};
  std::int64_t begin = 0;
  std::vector<StoreId> ids;
  std::vector<char> sums;  ///< [rows] whether it is a sum of several nodes' rows; empty: none is
  std::int64_t rows() const { return std::ssize(ids); }
};
/// The links with rows; row r of those that cross is places[r], or r where there are none, and has
/// ids[places[r]].
std::vector<HaloLink> links_of(std::span<const std::int64_t> counts, std::span<const std::int32_t> places,
                               std::span<const StoreId> ids);

/// Rounding draws of a pass. Ranks that return gradients of one node, or partials for it, round them
/// independently.
RoundingDraws rounding_draws(const HaloPass& pass, std::uint64_t seed, Rank sender);

/// What is counted of a frame.
struct FrameCounts {
  std::int64_t rows = 0, skipped = 0, messages = 0;
  FrameBytes bytes;
};

/// The rows of one direction as frames by peer: which of them go, where that is for the sender to say, then
/// the rows themselves.
class FramedRows {
 public:
  /// Both must outlive it.
  FramedRows(HaloEncode& encode, HaloSelect& select, FrameCheck check);

  bool remembers() const { return frames_->remembers(); }
  double share_of_sparse_rows() const { return frames_->share_of_sparse_rows(); }
  /// Of a protocol's encoding.
  static double share_left(const HaloProtocol& protocol);

  struct Exchange {
    HaloPass pass;
    std::int64_t cols = 0;
    std::uint64_t seed = 0;
    Rank self{0};
    HaloDecisions* decisions = nullptr;
  };
  /// The sender decides something by the rows.
  bool decides() const { return select_->decides() || frames_->decides(); }
  /// Without the data. Throws InputError where they decide and no log says how.
  FrameCounts known_counts(const Exchange& exchange, const HaloLink& link) const;
  std::int64_t most_bytes(const Exchange& exchange, const HaloLink& link) const;
  /// x: the link's rows.
  FrameCounts pack(const Backend& on, const Exchange& exchange, const HaloLink& link, ConstTensor x,
                   std::vector<std::byte>& out);
  /// Rows that did not cross stay as they are in y. Returns which ones did, by row; nothing: all.
  std::vector<char> unpack(const Backend& on, const Exchange& exchange, const HaloLink& link,
                           std::span<const std::byte> bytes, Tensor y);

 private:
  /// A frame between this rank and the link's peer, sent by `sender`.
  static HaloFrame frame_of(const Exchange& exchange, const HaloLink& link, Rank sender);
  FrameCounts counts_of(const HaloFrame& frame, std::int64_t crossing, const FrameBytes& bytes) const;

  HaloSelect* select_;
  FrameCheck check_;
  RowFrames rows_;
  HaloFrames* frames_;
};

}  // namespace kith
