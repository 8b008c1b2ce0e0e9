#pragma once
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "kith/exec/halo/axes.h"
#include "kith/exec/halo/decisions.h"

namespace kith {

/// What both ends of a link know of the rows in a frame.
struct HaloFrame {
  HaloPass pass;
  Rank peer{0};
  std::int64_t cols = 0;
  std::span<const StoreId> ids;     ///< [rows] of the nodes, in their order
  std::span<const char> sums = {};  ///< [rows] whether it is a sum of several nodes' rows; empty: none is
  std::uint64_t seed = 0;
  RoundingDraws draws;
  HaloDecisions* decisions = nullptr;  ///< null: nobody asks what was decided
  bool is_sum(std::int64_t i) const { return !sums.empty() && sums[static_cast<std::size_t>(i)] != 0; }

  std::int64_t rows() const { return std::ssize(ids); }
};

/// A code for each of a frame's rows, as its sender's `decide` or a followed log says.
HaloDecisions::Codes settled(const HaloFrame& frame, Decided what,
                             const std::function<HaloDecisions::Codes()>& decide);
/// As a followed log says; nothing without one.
std::optional<HaloDecisions::Codes> followed(const HaloFrame& frame, Decided what);

struct FrameBytes {
  std::int64_t payload = 0;
  std::int64_t header = 0;  ///< what only tells how to read the others
};

/// Rows for one peer as one run of bytes: for encodings whose length depends on the data or the step, or that
/// remember rows. A link's frames are packed and unpacked in the order of the steps.
class HaloFrames {
 public:
  virtual ~HaloFrames() = default;
  /// Their length where it does not depend on the data, or the frame's followed decisions tell.
  virtual std::optional<FrameBytes> known_bytes(const HaloFrame& frame) const = 0;
  /// No frame of these rows is longer.
  virtual std::int64_t most_bytes(const HaloFrame& frame) const = 0;
  /// Appends x [rows, cols] to `out`.
  virtual FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                          std::vector<std::byte>& out) = 0;
  /// Throws CorruptError where the bytes are no such frame.
  virtual void unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
                      Tensor y) = 0;
  /// Remembers rows from step to step, so that they must be exchanged before dropout.
  virtual bool remembers() const { return false; }
  /// The sender looks at the rows and decides something that settles their length.
  virtual bool decides() const { return false; }
  /// What it remembers, for a checkpoint.
  virtual void save(HaloState& /*state*/) const {}
  virtual void restore(const HaloState& /*state*/) {}
  /// What a row's support is expected to cost of the row itself, for a matrix whose zeros have no gradient;
  /// 1: zeros are sent like any other element.
  virtual double share_of_sparse_rows() const { return 1; }
};

/// An encoding that is frames alone. A rehearsal takes its rows for fp32's.
template <class Frames>
class FramedEncode final : public HaloEncode {
 public:
  template <class... Arguments>
  explicit FramedEncode(Arguments... arguments) : frames_(arguments...) {}
  std::int64_t row_bytes(std::int64_t cols) const override { return cols * 4; }
  void encode(const Backend&, const Rows&, std::byte*) override {}
  void decode(const Backend&, const std::byte*, Tensor) override {}
  HaloFrames* frames() override { return &frames_; }

 private:
  Frames frames_;
};

/// Rows of 8, 4, 2 or 1 bits an element, rounded to the nearest: what encodings that make up for the rounding
/// later have in common.
class NearestFrames : public HaloFrames {
 public:
  explicit NearestFrames(int bits) : bits_(bits) {}
  std::optional<FrameBytes> known_bytes(const HaloFrame& frame) const final;
  std::int64_t most_bytes(const HaloFrame& frame) const final;
  bool remembers() const final { return true; }

 protected:
  /// Appends x; `said` (x itself, if it need not last) becomes what the receiver reads.
  void append(const Backend& on, const HaloFrame& frame, ConstTensor x, Tensor said,
              std::vector<std::byte>& out) const;
  void read(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes, Tensor y) const;

 private:
  int bits_;
};

/// Any encoding's rows, one behind the other, as a frame.
class RowFrames final : public HaloFrames {
 public:
  /// Which must outlive it.
  explicit RowFrames(HaloEncode& encode) : encode_(&encode) {}
  std::optional<FrameBytes> known_bytes(const HaloFrame& frame) const override;
  std::int64_t most_bytes(const HaloFrame& frame) const override;
  FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override;
  void unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes, Tensor y) override;

 private:
  HaloEncode* encode_;
};

/// Rows of nodes, by link: what a sender or a receiver remembers of them.
class RowMemory {
 public:
  struct Row {
    bool fresh = true;       ///< zeros, as nothing was remembered
    std::uint32_t step = 0;  ///< when it was last touched
    std::vector<float> values;
  };
  /// The caller notes the step.
  Row& row(const HaloFrame& frame, std::int64_t i);

  void save(HaloState& state, const std::string& name) const;
  /// Throws CorruptError where they do not fit together.
  void restore(const HaloState& state, const std::string& name);

 private:
  using Link = std::tuple<int, bool, int>;  ///< layer, backward, peer
  using Rows = std::unordered_map<std::int64_t, Row>;
  std::map<Link, Rows> links_;
};

/// Takes bytes from a frame's front; throws CorruptError when there are fewer.
std::span<const std::byte> taken(std::span<const std::byte>& bytes, std::int64_t count);
/// Appends `count` bytes; what they are is written by the caller.
std::byte* appended(std::vector<std::byte>& out, std::int64_t count);

}  // namespace kith
