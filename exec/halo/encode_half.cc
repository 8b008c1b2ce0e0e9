#include "kith/exec/halo/values.h"
#include "kith/kernels/rows.h"

namespace kith::halo {
namespace {

/// fp16 or bf16, to the nearest.
class Half final : public HaloEncode {
 public:
  explicit Half(DType type) : type_(type) {}
  std::int64_t row_bytes(std::int64_t cols) const override { return cols * std::int64_t{2}; }
  void encode(const Backend& on, const Rows& rows, std::byte* wire) override {
    if (rows.rows.empty()) {
      encode_rows(on, rows.x, type_, wire, {});
      return;
    }
    if (memory_of(on) == nullptr) return encode_chosen_rows(rows.x, rows.rows, type_, wire);
    Matrix packed(std::ssize(rows.rows), rows.x.cols);
    gather_rows(on, rows.x, rows.rows, packed);
    encode_rows(on, packed, type_, wire, {});
  }
  void decode(const Backend& on, const std::byte* wire, Tensor y) override {
    decode_rows(on, wire, type_, {}, y);
  }

 private:
  DType type_;
};

}  // namespace

std::unique_ptr<HaloEncode> encode_half(DType type) { return std::make_unique<Half>(type); }

}  // namespace kith::halo
