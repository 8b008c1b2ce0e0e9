#include <cstring>

#include "kith/core/parallel.h"
#include "kith/core/rehearsal.h"
#include "kith/exec/halo/values.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/rows.h"

namespace kith::halo {
namespace {

/// On the host rows may lie at any address: those of a frame follow its bitmap.
void copy_rows(const Backend& on, ConstTensor x, Tensor y) {
  if (memory_of(on) != nullptr) return axpby(on, 1, x, 0, y);
  if (rehearsing()) return;
  parallel_for(0, x.rows, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      std::memcpy(y.row(i), x.row(i), static_cast<std::size_t>(x.cols) * sizeof(float));
  });
}

/// The rows themselves.
class Fp32 final : public HaloEncode {
 public:
  std::int64_t row_bytes(std::int64_t cols) const override {
    return cols * static_cast<std::int64_t>(sizeof(float));
  }
  void encode(const Backend& on, const Rows& rows, std::byte* wire) override {
    auto* out = reinterpret_cast<float*>(wire);
    if (rows.rows.empty()) {
      copy_rows(on, rows.x, {out, rows.x.rows, rows.x.cols});
    } else {
      gather_rows(on, rows.x, rows.rows, {out, std::ssize(rows.rows), rows.x.cols});
    }
  }
  void decode(const Backend& on, const std::byte* wire, Tensor y) override {
    copy_rows(on, {reinterpret_cast<const float*>(wire), y.rows, y.cols}, y);
  }
};

}  // namespace

std::unique_ptr<HaloEncode> encode_fp32() { return std::make_unique<Fp32>(); }

}  // namespace kith::halo
