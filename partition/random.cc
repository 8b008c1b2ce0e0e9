// Node v belongs to part π(v) mod k, where π is a keyed bijection of [0, n): parts differ by at most one
// node, and any node's part is known without the others. π is a Feistel network over ⌈log₂ n⌉ bits whose
// round function is Philox (Luby & Rackoff, "How to construct pseudorandom permutations", 1988), walked along
// its cycle until it is back below n (Black & Rogaway, "Ciphers with arbitrary finite domains", 2002): fewer
// than two steps on average.
#include <bit>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/partition/partitioners.h"

namespace kith {
namespace {

class Permutation {
 public:
  Permutation(std::uint64_t seed, std::int64_t n)
      : key_(philox_key(seed, Stream::partition)), n_(static_cast<std::uint64_t>(n)) {
    const int bits = std::max(2, static_cast<int>(std::bit_width(n_ - 1)));
    low_bits_ = bits / 2;
    low_mask_ = (std::uint64_t{1} << low_bits_) - 1;
    high_mask_ = (std::uint64_t{1} << (bits - low_bits_)) - 1;
  }
  std::int64_t operator()(std::int64_t v) const {
    auto x = static_cast<std::uint64_t>(v);
    do x = shuffled(x);
    while (x >= n_);
    return static_cast<std::int64_t>(x);
  }

 private:
  std::uint64_t shuffled(std::uint64_t x) const {
    std::uint64_t low = x & low_mask_, high = x >> low_bits_;
    for (std::uint32_t round = 0; round < 3; ++round) {
      high ^= scrambled(low, 2 * round) & high_mask_;
      low ^= scrambled(high, 2 * round + 1) & low_mask_;
    }
    return high << low_bits_ | low;
  }
  std::uint64_t scrambled(std::uint64_t half, std::uint32_t round) const {
    return word64(draw_words(key_, StoreId(static_cast<std::int64_t>(half)), round, 0), 0);
  }

  PhiloxKey key_;
  std::uint64_t n_;
  int low_bits_;
  std::uint64_t low_mask_, high_mask_;
};

}  // namespace

Partitioning random_partition(const PartitionRequest& request) {
  require(request.k >= 1, "a partitioning has at least one part", {{"k", request.k}});
  const std::int64_t n = request.graph.n();
  Partitioning result{request.k, Array<Part>(static_cast<std::size_t>(n))};
  if (n == 0) return result;
  const Permutation permutation(request.seed, n);
  parallel_for(0, n, 1 << 12, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t v = begin; v < end; ++v)
      result.assignment[v] = Part(static_cast<Part::rep>(permutation(v) % request.k));
  });
  return result;
}

}  // namespace kith
