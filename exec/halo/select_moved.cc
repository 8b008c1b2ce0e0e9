// SANCUS (Peng et al. 2022): a row crosses when it has moved from what was last sent of it by more than ε of
// that one's length, or when that was τ steps ago; otherwise the receiver uses what it has. Only the sender
// knows, so a frame begins with a bit for each row.
#include <cmath>

#include "kith/exec/halo/frames.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class Moved final : public HaloSelect {
 public:
  Moved(double epsilon, double oldest) : epsilon_(epsilon), oldest_(static_cast<std::uint32_t>(oldest)) {}

  const HaloLists& select(const HaloLists& planned, const HaloNodes&, const HaloPass&) override {
    return planned;
  }
  bool keeps_missing() const override { return true; }
  bool decides() const override { return true; }

  std::vector<std::uint8_t> decided(const HaloFrame& frame, ConstTensor x) override {
    std::vector<std::uint8_t> crosses(static_cast<std::size_t>(frame.rows()));
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      const RowMemory::Row& sent = sent_.row(frame, i);
      const bool goes = sent.fresh || frame.pass.step - sent.step >= oldest_ || moved(x.row(i), sent.values);
      crosses[static_cast<std::size_t>(i)] = goes ? 1 : 0;
    }
    return crosses;
  }

  void note(const HaloFrame& frame, ConstTensor x, std::span<const std::uint8_t> crosses) override {
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      if (crosses[static_cast<std::size_t>(i)] == 0) continue;
      RowMemory::Row& sent = sent_.row(frame, i);
      sent.values.assign(x.row(i), x.row(i) + x.cols);
      sent.step = frame.pass.step;
      sent.fresh = false;
    }
  }

  void save(HaloState& state) const override { sent_.save(state, "moved.sent"); }
  void restore(const HaloState& state) override { sent_.restore(state, "moved.sent"); }

 private:
  bool moved(const float* x, const std::vector<float>& sent) const {
    double distance = 0, length = 0;
    for (std::size_t j = 0; j < sent.size(); ++j) {
      const double difference = static_cast<double>(x[j]) - sent[j];
      distance += difference * difference;
      length += static_cast<double>(sent[j]) * sent[j];
    }
    // A NaN has moved.
    return !(distance <= epsilon_ * epsilon_ * length);
  }

  double epsilon_;
  std::uint32_t oldest_;
  RowMemory sent_;
};

}  // namespace

std::unique_ptr<HaloSelect> select_moved(double epsilon, double oldest) {
  return std::make_unique<Moved>(epsilon, oldest);
}

}  // namespace kith::halo
