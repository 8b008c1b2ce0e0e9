#include "kith/kernels/cuda/sweep_plan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kith/core/philox.h"

namespace kith::cuda {
namespace {

/// Rows of up to so many entries stand together; the last bound is kPiece.
constexpr std::array<std::int64_t, 6> kBounds{4, 16, 32, 64, 128, SweepPlan::kPiece};

std::size_t bucket_of(std::int64_t degree) {
  std::size_t bucket = 0;
  while (degree > kBounds[bucket]) ++bucket;
  return bucket;
}

}  // namespace

SweepPlan::SweepPlan(CudaDevice& device, CsrView<std::int32_t> a, std::span<const std::int32_t> rows) {
  const UseMemory host(nullptr);
  const std::int64_t count = rows.empty() ? a.n() : std::ssize(rows);
  const auto row_at = [&](std::int64_t i) {
    return rows.empty() ? static_cast<std::int32_t>(i) : rows[static_cast<std::size_t>(i)];
  };
  std::array<std::int64_t, kBounds.size() + 1> starts{};
  std::vector<SweepPiece> pieces;
  std::vector<SweepHub> hubs;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t row = row_at(i);
    const std::int64_t degree = a.degree(row);
    if (degree <= kPiece) {
      // Longest first: bucket b begins behind those above it.
      ++starts[kBounds.size() - 1 - bucket_of(degree) + 1];
      continue;
    }
    hubs.push_back({row, static_cast<std::int32_t>((degree + kPiece - 1) / kPiece), std::ssize(pieces)});
    for (std::int64_t e = a.indptr[row]; e < a.indptr[row + 1]; e += kPiece)
      pieces.push_back({e, std::min(e + kPiece, a.indptr[row + 1]), row});
  }
  for (std::size_t b = 1; b < starts.size(); ++b) starts[b] += starts[b - 1];
  rows_ = Array<std::int32_t>(static_cast<std::size_t>(starts.back()));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t row = row_at(i);
    if (a.degree(row) <= kPiece) rows_[starts[kBounds.size() - 1 - bucket_of(a.degree(row))]++] = row;
  }
  pieces_ = copy_of(std::span<const SweepPiece>(pieces));
  hubs_ = copy_of(std::span<const SweepHub>(hubs));
  const UseMemory there(&device.workspace());
  rows_ = copy_of(rows_);
  pieces_ = copy_of(pieces_);
  hubs_ = copy_of(hubs_);
}

std::shared_ptr<const SweepPlan> plan_on(CudaDevice& device, CsrView<std::int32_t> a,
                                         std::span<const std::int32_t> rows) {
  const auto make = [&]() -> CudaDevice::Attachment {
    return std::make_shared<const SweepPlan>(device, a, rows);
  };
  // Matrices that share arrays, and lists of rows, are told by where they lie and how long they are: what is
  // mirrored stays.
  const auto told = [](const auto& values) {
    return mix64(reinterpret_cast<std::uintptr_t>(values.data()) ^ mix64(values.size()));
  };
  const std::uint64_t key = mix64(told(a.indptr) ^ (rows.empty() ? 0 : told(rows)));
  if (!rows.empty() && device.mirror_of(rows.data(), rows.size_bytes()) == nullptr)
    return std::static_pointer_cast<const SweepPlan>(make());
  return std::static_pointer_cast<const SweepPlan>(device.attached(a.indptr.data(), key, make));
}

}  // namespace kith::cuda
