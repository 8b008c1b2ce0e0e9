// Error feedback (Karimireddy et al. 2019): what rounding loses of a row is added to what is sent of it next.
// The rounding must shrink what it loses, so it is to the nearest with levels fitted to the row
// (quantise_rows_to_nearest), not stochastic.
#include "kith/exec/halo/fed_back.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class NearestRows : public NearestFrames {
 public:
  using NearestFrames::NearestFrames;
  void unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
              Tensor y) override {
    read(on, frame, bytes, y);
  }
};

}  // namespace

std::unique_ptr<HaloEncode> encode_feedback(int bits) {
  return std::make_unique<FramedEncode<FedBack<NearestRows>>>(bits);
}

}  // namespace kith::halo
