// The inner loop of neighbour sampling, included once for each instruction set.
//
// A piece of the frontier goes through three stages. `locate` reads the rows' records (asked for kAhead nodes
// ago) and sorts out which rows are drawn from; `draw` makes the positions of one row per vector lane, by
// Philox and Floyd's algorithm, and asks for the lines of the columns; `collect` reads the columns of the
// piece *before*, whose lines have had the time of a piece to arrive. Every stage leaves offsets into
// `columns` in the order of the output, so that the last is one loop without branches.
//
// Lanes are 64 bits wide throughout: a 32 x 32 bit product fills one, and neither the next product nor an
// exclusive-or minds what is left in the upper half.
#if defined(KITH_SAMPLER_DRAW_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KITH_SAMPLER_DRAW_ROWS_INL_H_
#undef KITH_SAMPLER_DRAW_ROWS_INL_H_
#else
#define KITH_SAMPLER_DRAW_ROWS_INL_H_
#endif

#include <algorithm>

#include <hwy/highway.h>

#include "kith/sampler/draw_rows.h"

HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D64 = hn::CappedTag<std::uint64_t, 8>;
using V64 = hn::Vec<D64>;

constexpr std::int64_t kMostLanes = 8;
constexpr std::int64_t kAhead = 32;
// A piece's edges: their lines wait in the second cache, of whose misses a core has more in flight.
constexpr std::int64_t kPieceEdges = 768;
constexpr std::int64_t kMostRows = 128;
// Offsets are written past a row's end, by less than a fanout and a vector.
constexpr std::int64_t kRoom = kPieceEdges + kMostVectorDraws + kMostLanes;

HWY_INLINE void prefetch(const void* line) { __builtin_prefetch(line, 0, 2); }

/// The product of the lower halves.
HWY_INLINE V64 product(V64 a, V64 b) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(D64(), std::uint64_t{static_cast<std::uint32_t>(a.raw)} * static_cast<std::uint32_t>(b.raw));
#else
  using D32 = hn::Repartition<std::uint32_t, D64>;
  return hn::MulEven(hn::BitCast(D32(), a), hn::BitCast(D32(), b));
#endif
}

/// The key of every round, which all lanes share.
struct RoundKeys {
  explicit RoundKeys(PhiloxKey key) {
    for (int round = 0; round < 10; ++round) {
      lo[round] = key.lo;
      hi[round] = key.hi;
      key.lo += 0x9E3779B9;
      key.hi += 0xBB67AE85;
    }
  }
  std::uint64_t lo[10], hi[10];
};

/// philox4x32_10 of a counter per lane; of the result the lower halves count.
struct VectorPhilox {
  HWY_INLINE VectorPhilox(V64 id, std::uint32_t step, std::uint32_t draw, const RoundKeys& keys)
      : c0(id), c1(hn::Zero(D64())), c2(hn::Set(D64(), step)), c3(hn::Set(D64(), draw)) {
    const V64 m0 = hn::Set(D64(), 0xD2511F53), m1 = hn::Set(D64(), 0xCD9E8D57);
    for (int round = 0; round < 10; ++round) {
      const V64 p0 = product(m0, c0), p1 = product(m1, c2);
      c0 = hn::Xor3(hn::ShiftRight<32>(p1), c1, hn::Set(D64(), keys.lo[round]));
      c2 = hn::Xor3(hn::ShiftRight<32>(p0), c3, hn::Set(D64(), keys.hi[round]));
      c1 = p1;
      c3 = p0;
    }
  }
  V64 c0, c1, c2, c3;
};

/// `bounded` of kith/core/philox.h for 64 random bits in two halves and a bound below 2³².
HWY_INLINE V64 bounded_lanes(V64 low, V64 high, V64 bound) {
  return hn::ShiftRight<32>(hn::Add(product(high, bound), hn::ShiftRight<32>(product(low, bound))));
}

/// The rows of one piece from which is drawn, a lane each, and the offsets of all its edges.
struct Piece {
  std::int64_t rows = 0, edges = 0, drawn = 0;
  HWY_ALIGN std::uint64_t begin[kMostRows + kMostLanes];
  HWY_ALIGN std::uint64_t degree[kMostRows + kMostLanes];
  HWY_ALIGN std::uint64_t node[kMostRows + kMostLanes];
  std::int32_t at[kMostRows + kMostLanes];  ///< where its offsets begin
  HWY_ALIGN std::uint64_t offset[kRoom];
};

class PieceDraws {
 public:
  PieceDraws(const RowDraws& draws, std::span<const GlobalId> frontier)
      : draws_(draws),
        frontier_(frontier),
        rows_(draws.rows.rows()),
        columns_(draws.rows.columns()),
        fanout_(draws.fanout),
        keys_(draws.key) {}

  void locate(std::int64_t first, std::int64_t rows, Piece& piece, std::int32_t* counts) const {
    const auto last = static_cast<std::int64_t>(frontier_.size()) - 1;
    const auto most = static_cast<std::uint32_t>(fanout_);
    piece.rows = rows;
    std::int64_t at = 0, drawn = 0;
    for (std::int64_t i = first; i < first + rows; ++i) {
      prefetch(&rows_[frontier_[std::min(i + kAhead, last)].value()]);
      const PackedRows::Row row = rows_[frontier_[i].value()];
      const bool draw = draws_.replace ? row.degree > 0 : row.degree > most;
      const std::uint32_t count = draw ? most : std::min(row.degree, most);
      // Written for every row, kept for those that are taken whole and for those drawn from.
      write_whole(row.begin, piece.offset + at);
      piece.begin[drawn] = row.begin;
      piece.degree[drawn] = row.degree;
      piece.node[drawn] = row.store_id;
      piece.at[drawn] = static_cast<std::int32_t>(at);
      drawn += draw ? 1 : 0;
      const std::uint64_t whole = draw ? 0 : row.begin;
      prefetch(columns_ + whole);
      prefetch(columns_ + whole + count);
      counts[i - first] = static_cast<std::int32_t>(count);
      at += count;
    }
    piece.edges = at;
    piece.drawn = drawn;
    for (std::int64_t idle = drawn; idle < drawn + kMostLanes; ++idle) {
      piece.begin[idle] = 0;
      piece.degree[idle] = most;
      piece.node[idle] = 0;
    }
  }

  void draw(Piece& piece) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D64()));
    for (std::int64_t lane = 0; lane < piece.drawn; lane += lanes) draw_lanes(piece, lane);
  }

  void collect(const Piece& piece, std::int32_t* out) const {
    for (std::int64_t e = 0; e < piece.edges; ++e) out[e] = columns_[piece.offset[e]];
  }

 private:
  HWY_INLINE void write_whole(std::uint64_t begin, std::uint64_t* out) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D64()));
    for (std::int64_t i = 0; i < fanout_; i += lanes)
      hn::StoreU(hn::Iota(D64(), begin + static_cast<std::uint64_t>(i)), D64(), out + i);
  }

  HWY_INLINE void draw_lanes(Piece& piece, std::int64_t lane) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D64()));
    HWY_ALIGN std::uint64_t drawn[kMostVectorDraws * kMostLanes];
    const V64 id = hn::Load(D64(), piece.node + lane), degree = hn::Load(D64(), piece.degree + lane);
    for (std::int64_t i = 0; i < fanout_; i += 2) {
      const VectorPhilox random(id, draws_.step, static_cast<std::uint32_t>(i / 2), keys_);
      place(random.c0, random.c1, degree, i, drawn);
      if (i + 1 < fanout_) place(random.c2, random.c3, degree, i + 1, drawn);
    }
    const auto in_piece = std::min(lanes, piece.drawn - lane);
    for (std::int64_t l = 0; l < in_piece; ++l) {
      std::uint64_t* offsets = piece.offset + piece.at[lane + l];
      const std::uint64_t begin = piece.begin[lane + l];
      for (std::int64_t i = 0; i < fanout_; ++i) {
        const std::uint64_t offset = begin + drawn[i * lanes + l];
        offsets[i] = offset;
        prefetch(columns_ + offset);
      }
    }
  }

  /// Draw i of every lane: Floyd's choice of a drawn t or, if it is taken, of the last position allowed.
  HWY_INLINE void place(V64 low, V64 high, V64 degree, std::int64_t i, std::uint64_t* drawn) const {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D64()));
    if (draws_.replace) {
      hn::Store(bounded_lanes(low, high, degree), D64(), drawn + i * lanes);
      return;
    }
    const V64 bound = hn::Sub(degree, hn::Set(D64(), static_cast<std::uint64_t>(fanout_ - i - 1)));
    const V64 t = bounded_lanes(low, high, bound);
    auto taken = hn::FirstN(D64(), 0);
    for (std::int64_t q = 0; q < i; ++q) taken = hn::Or(taken, hn::Eq(t, hn::Load(D64(), drawn + q * lanes)));
    hn::Store(hn::IfThenElse(taken, hn::Sub(bound, hn::Set(D64(), 1)), t), D64(), drawn + i * lanes);
  }

  const RowDraws& draws_;
  std::span<const GlobalId> frontier_;
  const PackedRows::Row* rows_;
  const std::int32_t* columns_;
  std::int64_t fanout_;
  RoundKeys keys_;
};

std::int64_t draw_all(const RowDraws& draws, std::span<const GlobalId> frontier, std::int32_t* counts,
                      std::int32_t* out) {
  const PieceDraws stages(draws, frontier);
  const auto count = static_cast<std::int64_t>(frontier.size());
  const std::int64_t rows = std::min(kMostRows, kPieceEdges / draws.fanout);
  Piece pieces[2];
  std::int64_t written = 0;
  int now = 0;
  for (std::int64_t first = 0; first < count; first += rows, now ^= 1) {
    stages.locate(first, std::min(rows, count - first), pieces[now], counts + first);
    stages.draw(pieces[now]);
    if (first == 0) continue;
    stages.collect(pieces[now ^ 1], out + written);
    written += pieces[now ^ 1].edges;
  }
  if (count == 0) return 0;
  stages.collect(pieces[now ^ 1], out + written);
  return written + pieces[now ^ 1].edges;
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();
#endif
