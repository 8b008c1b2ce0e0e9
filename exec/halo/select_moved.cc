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

  std::vector<bool> decided(const HaloFrame& frame, ConstTensor x) override {
    std::vector<bool> crosses(static_cast<std::size_t>(frame.rows()));
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      RowMemory::Row& sent = sent_.row(frame, i);
      const bool goes = sent.fresh || frame.pass.step - sent.step >= oldest_ || moved(x.row(i), sent.values);
      crosses[static_cast<std::size_t>(i)] = goes;
      if (!goes) continue;
      sent.values.assign(x.row(i), x.row(i) + x.cols);
      sent.step = frame.pass.step;
      sent.fresh = false;
    }
    return crosses;
  }

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
