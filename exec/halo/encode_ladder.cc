// An encoding for each layer out of a ladder of those that exist. A layer's rows and its gradients take the
// same one, since support coding sends of a gradient the elements that its rows had. All ranks hold the same
// ladder, so that a frame need not say how it is encoded.
#include <algorithm>

#include "kith/exec/halo/ladder.h"
#include "kith/exec/halo/left_out.h"
#include "kith/exec/halo/values.h"

namespace kith {

int HaloLadder::rung(int layer) const {
  const auto found = by_layer_.find(layer);
  return found == by_layer_.end() ? 0 : found->second;
}

void HaloLadder::put(int layer, int rung) {
  if (layer < 1 || rung < 0 || rung > top())
    throw CorruptError(
        with_facts("no such encoding of a ladder", {{"layer", layer}, {"number", rung}, {"last", top()}}));
  by_layer_[layer] = rung;
}

// Rounding a row of 2^b levels between its ends stochastically loses about 1.2 / (2^b − 1) of its length
// where its elements lie evenly between them.
std::vector<HaloRung> plain_rungs() {
  return {{"int2", 0.4}, {"int4", 0.08}, {"int8", 0.005}, {"bf16", 0.001}, {"fp32", 0}};
}

std::vector<HaloRung> support_rungs() {
  std::vector<HaloRung> rungs = plain_rungs();
  for (HaloRung& rung : rungs) rung.encode = rung.encode == "fp32" ? "support" : "support-" + rung.encode;
  return rungs;
}

const HaloRung& likely_rung(const std::vector<HaloRung>& rungs, double error) {
  return *std::find_if(rungs.begin(), rungs.end() - 1, [&](const HaloRung& r) { return r.error <= error; });
}

namespace halo {
namespace {

bool without_zeros(const std::string& encode) { return encode.starts_with("support"); }

/// Of support coding what becomes of the elements that are left.
std::string elements_of(const std::string& encode) {
  if (!without_zeros(encode)) return encode;
  return encode == "support" ? "fp32" : encode.substr(encode.find('-') + 1);
}

class LadderFrames final : public HaloFrames, public LeavesOut {
 public:
  LadderFrames(HaloLadder* ladder, bool sparse) : ladder_(ladder), share_(sparse ? 0.5 : 1) {
    for (const HaloRung& rung : ladder->rungs()) {
      encodes_.push_back(make_encode(rung.encode));
      rows_.push_back(std::make_unique<RowFrames>(*encodes_.back()));
    }
  }

  bool decides() const override { return true; }
  /// By a followed log alone: a training will take others.
  std::optional<FrameBytes> known_bytes(const HaloFrame& frame) const override {
    if (frame.decisions == nullptr) return {};
    const auto code = frame.decisions->followed(ladder_key(frame.pass.step, frame.pass.layer), 1);
    if (!code || code->front() > ladder_->top()) return {};
    return frames(code->front()).known_bytes(frame);
  }
  std::int64_t most_bytes(const HaloFrame& frame) const override { return of(frame).most_bytes(frame); }
  double share_of_sparse_rows() const override { return share_; }
  FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override {
    return of(frame).pack(on, frame, x, out);
  }
  void unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
              Tensor y) override {
    of(frame).unpack(on, frame, bytes, y);
  }

  void leave_out(const HaloFrame& frame, Tensor x) const override {
    if (const auto* leaves = dynamic_cast<const LeavesOut*>(&of(frame))) leaves->leave_out(frame, x);
  }

  void save(HaloState& state) const override {
    Matrix rungs(std::ssize(ladder_->by_layer()), 2);
    std::int64_t i = 0;
    for (const auto& [layer, rung] : ladder_->by_layer()) {
      rungs(i, 0) = static_cast<float>(layer);
      rungs(i++, 1) = static_cast<float>(rung);
    }
    state.put("ladder.rungs", rungs);
  }
  void restore(const HaloState& state) override {
    const Matrix& rungs = state.at("ladder.rungs", 2);
    for (std::int64_t i = 0; i < rungs.rows(); ++i)
      ladder_->put(static_cast<int>(rungs(i, 0)), static_cast<int>(rungs(i, 1)));
  }

 private:
  HaloFrames& frames(int rung) const {
    HaloEncode& encode = *encodes_[static_cast<std::size_t>(rung)];
    return encode.frames() != nullptr ? *encode.frames() : *rows_[static_cast<std::size_t>(rung)];
  }
  HaloFrames& of(const HaloFrame& frame) const { return frames(ladder_->rung(frame.pass.layer)); }

  HaloLadder* ladder_;
  double share_;
  std::vector<std::unique_ptr<HaloEncode>> encodes_;
  std::vector<std::unique_ptr<RowFrames>> rows_;
};

class LadderEncode final : public HaloEncode, private HaloLadder {
 public:
  LadderEncode(std::vector<HaloRung> rungs, bool sparse)
      : HaloLadder(std::move(rungs)), frames_(this, sparse) {}
  std::int64_t row_bytes(std::int64_t cols) const override { return cols * 4; }
  void encode(const Backend&, const Rows&, std::byte*) override {}
  void decode(const Backend&, const std::byte*, Tensor) override {}
  HaloFrames* frames() override { return &frames_; }
  HaloLadder* ladder() override { return this; }

 private:
  // A bit for each of the half that dropout kept, and the quarter that is left.
  double row_bytes(int rung, std::int64_t cols, bool sparse) const override {
    const std::string& encode = rungs()[static_cast<std::size_t>(rung)].encode;
    const auto elements = make_encode(elements_of(encode));
    if (!sparse || !without_zeros(encode)) return static_cast<double>(elements->row_bytes(cols));
    return static_cast<double>(elements->row_bytes((cols + 3) / 4)) + static_cast<double>(cols) / 16;
  }

  LadderFrames frames_;
};

}  // namespace

std::unique_ptr<HaloEncode> encode_ladder(bool without_zeros) {
  return std::make_unique<LadderEncode>(without_zeros ? support_rungs() : plain_rungs(), without_zeros);
}

}  // namespace halo
}  // namespace kith
