#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

/// 8, 4, 2 or 1 bits an element between the least and the largest of its row, rounded stochastically
/// (kernels/quantise.h): what arrives is right in the mean.
class Quantised final : public HaloEncode {
 public:
  explicit Quantised(int bits) : bits_(bits) {}
  std::int64_t row_bytes(std::int64_t cols) const override { return quantised_row_bytes(bits_, cols); }
  std::int64_t header_bytes(std::int64_t) const override { return quantised_row_bytes(bits_, 0); }
  void encode(const Backend& on, const Rows& rows, std::byte* wire) override {
    quantise_rows(on, rows.x, rows.rows, rows.ids, bits_, rows.draws, wire);
  }
  void decode(const Backend& on, const std::byte* wire, Tensor y) override {
    dequantise_rows(on, wire, bits_, y);
  }

 private:
  int bits_;
};

}  // namespace

std::unique_ptr<HaloEncode> encode_quantised(int bits) { return std::make_unique<Quantised>(bits); }

}  // namespace kith::halo
