// A condensed boundary (CondenseGraph, 2025): the rows for one rank are clustered, and only the clusters'
// means cross, with the number of its cluster for every row. Clusters are found anew at every step by two
// rounds of Lloyd's 1957 algorithm from rows at equal distances in the list, so that nothing is drawn or
// kept. The means lose at most what zeros would, Σ ‖x − c(x)‖² ≤ Σ ‖x‖², and a last look for the nearest one
// only less: so what is lost may be fed back.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kith/core/parallel.h"
#include "kith/exec/halo/fed_back.h"
#include "kith/exec/halo/values.h"
#include "kith/kernels/dense.h"

namespace kith::halo {
namespace {

constexpr std::int64_t kGrain = 64;
constexpr int kRounds = 2;

struct Clusters {
  Matrix means;
  std::vector<std::int32_t> of;  ///< [rows]
};

/// The nearest mean of every row, the first of equals: of ‖x‖² − 2⟨x, c⟩ + ‖c‖² the first term is the same.
void assign(const Backend& on, ConstTensor x, Clusters& clusters) {
  const Matrix& means = clusters.means;
  Matrix products(x.rows, means.rows());
  matmul(on, Trans::no, x, Trans::yes, means, 0, products);
  std::vector<float> squares(static_cast<std::size_t>(means.rows()), 0.0f);
  for (std::int64_t c = 0; c < means.rows(); ++c)
    for (std::int64_t j = 0; j < means.cols(); ++j) squares[c] += means(c, j) * means(c, j);
  parallel_for(0, x.rows, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      float least = std::numeric_limits<float>::infinity();
      for (std::int64_t c = 0; c < products.cols(); ++c) {
        const float distance = squares[c] - 2 * products(i, c);
        if (distance < least) clusters.of[i] = static_cast<std::int32_t>(c);
        least = std::min(least, distance);
      }
    }
  });
}

/// An empty cluster keeps its mean.
void move_means(ConstTensor x, Clusters& clusters) {
  Matrix sums(clusters.means.rows(), x.cols, 0.0f);
  std::vector<std::int64_t> count(static_cast<std::size_t>(sums.rows()), 0);
  for (std::int64_t i = 0; i < x.rows; ++i) {
    const std::int32_t c = clusters.of[i];
    ++count[c];
    for (std::int64_t j = 0; j < x.cols; ++j) sums(c, j) += x(i, j);
  }
  for (std::int64_t c = 0; c < sums.rows(); ++c)
    for (std::int64_t j = 0; count[c] > 0 && j < x.cols; ++j)
      clusters.means(c, j) = sums(c, j) / static_cast<float>(count[c]);
}

Clusters clustered(const Backend& on, ConstTensor x, std::int64_t count) {
  Clusters clusters{Matrix(count, x.cols), std::vector<std::int32_t>(static_cast<std::size_t>(x.rows), 0)};
  for (std::int64_t c = 0; c < count; ++c)
    std::copy_n(x.row(c * x.rows / count), x.cols, clusters.means.view().row(c));
  for (int round = 0; round < kRounds; ++round) {
    assign(on, x, clusters);
    move_means(x, clusters);
  }
  assign(on, x, clusters);
  return clusters;
}

/// On the wire: the means, then a number of so many bytes for every row; as many rows as means go without
/// numbers, as they are.
class CentroidFrames : public HaloFrames {
 public:
  explicit CentroidFrames(double share) : share_(share) {}

  std::optional<FrameBytes> known_bytes(const HaloFrame& frame) const override {
    return FrameBytes{count(frame) * frame.cols * 4, frame.rows() * number_bytes(frame)};
  }
  std::int64_t most_bytes(const HaloFrame& frame) const override {
    const FrameBytes bytes = *known_bytes(frame);
    return bytes.payload + bytes.header;
  }
  FrameBytes pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                  std::vector<std::byte>& out) override {
    append(on, frame, x, {}, out);
    return *known_bytes(frame);
  }
  void unpack(const Backend&, const HaloFrame& frame, std::span<const std::byte> bytes, Tensor y) override {
    const std::int64_t row_bytes = frame.cols * 4, clusters = count(frame), each = number_bytes(frame);
    const auto means = taken(bytes, clusters * row_bytes), numbers = taken(bytes, frame.rows() * each);
    for (std::int64_t i = 0; i < frame.rows(); ++i) {
      std::uint32_t number = 0;
      std::memcpy(&number, numbers.data() + i * each, static_cast<std::size_t>(each));
      const std::int64_t place = each == 0 ? i : number;
      if (place >= clusters)
        throw CorruptError(with_facts("a row of a halo frame has a cluster that is not there",
                                      {{"cluster", place}, {"clusters", clusters}}));
      std::memcpy(y.row(i), means.data() + place * row_bytes, static_cast<std::size_t>(row_bytes));
    }
  }

 protected:
  /// `said`, where it is wanted, becomes what the receiver reads.
  void append(const Backend& on, const HaloFrame& frame, ConstTensor x, std::optional<Tensor> said,
              std::vector<std::byte>& out) const {
    const std::int64_t row_bytes = frame.cols * 4, each = number_bytes(frame);
    if (each == 0) {
      std::byte* wire = appended(out, frame.rows() * row_bytes);
      for (std::int64_t i = 0; i < frame.rows(); ++i) {
        std::memcpy(wire + i * row_bytes, x.row(i), static_cast<std::size_t>(row_bytes));
        if (said) std::copy_n(x.row(i), x.cols, said->row(i));
      }
      return;
    }
    const Clusters clusters = clustered(on, x, count(frame));
    std::byte* wire = appended(out, most_bytes(frame));
    std::memcpy(wire, clusters.means.data(), static_cast<std::size_t>(clusters.means.rows() * row_bytes));
    wire += clusters.means.rows() * row_bytes;
    for (std::int64_t i = 0; i < frame.rows(); ++i, wire += each) {
      const auto number = static_cast<std::uint32_t>(clusters.of[i]);
      std::memcpy(wire, &number, static_cast<std::size_t>(each));
      if (said) std::copy_n(clusters.means.view().row(clusters.of[i]), x.cols, said->row(i));
    }
  }

 private:
  std::int64_t count(const HaloFrame& frame) const {
    const auto share = static_cast<std::int64_t>(std::ceil(share_ * static_cast<double>(frame.rows())));
    return std::clamp<std::int64_t>(share, frame.rows() > 0 ? 1 : 0, frame.rows());
  }
  /// Of little-endian numbers below the count.
  std::int64_t number_bytes(const HaloFrame& frame) const {
    const std::int64_t clusters = count(frame);
    if (clusters == frame.rows()) return 0;
    return clusters <= 1 << 8 ? 1 : clusters <= 1 << 16 ? 2 : 4;
  }

  double share_;
};

class CentroidsToFeedBack : public CentroidFrames {
 public:
  using CentroidFrames::CentroidFrames;
  bool remembers() const override { return true; }
};

}  // namespace

std::unique_ptr<HaloEncode> encode_centroids(double share, bool feedback) {
  if (feedback) return std::make_unique<FramedEncode<FedBack<CentroidsToFeedBack>>>(share);
  return std::make_unique<FramedEncode<CentroidFrames>>(share);
}

}  // namespace kith::halo
