#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/comm/frame_exchange.h"
#include "kith/comm/row_exchange.h"
#include "kith/core/array.h"
#include "kith/core/tensor.h"
#include "kith/exec/halo/halo_state.h"
#include "kith/exec/halo/ladder.h"
#include "kith/exec/zero_pattern.h"
#include "kith/graph/csr.h"
#include "kith/kernels/quantise.h"
#include "kith/partition/vertex_cover.h"

namespace kith {

/// Which rows cross between this rank and every other, and where they belong.
struct HaloLists {
  std::int64_t owned = 0;              ///< rows of this rank
  std::int64_t halo = 0;               ///< rows that arrive, in order of their owners
  RowCounts counts;                    ///< rows to and from each rank
  Array<std::int32_t> send_rows;       ///< owned rows, grouped by receiving rank
  Array<std::int32_t> halo_rows;       ///< the halo row of each that arrives; empty: 0, 1, …
  Array<std::int32_t> send_places;     ///< of a selection: the place of each send row among all planned ones
  float scale = 1;                     ///< what arrives is multiplied by this, in both directions
  std::vector<std::int64_t> owned_of;  ///< rows of every rank; of lists of a halo's rows
  Array<std::int32_t> owner_rows;      ///< and of each that arrives, which of its owner's it is
  Array<std::int32_t> alike;   ///< of sums: send rows with equal numbers hold the same; empty: each its own
  std::int64_t plan_rows = 0;  ///< what this rank's parts would receive if every part had a rank of its own
};

/// What an exchange is for: rows themselves, or rows of which a destination gets one thing alone, which their
/// owners may make: a sum by fixed weights, a maximum, or a softmax's mean by GAT's or GATv2's scores.
enum class Crossing { rows, sums, maxima, attention, additive_attention };

/// Which of a pass's messages: rows as they are, what owners made of several for a destination, the
/// destinations' side of the scores, which goes ahead to these owners, or some columns of rows.
enum class HaloPart { rows, partials, terms, columns };

/// One exchange of a training step: draws are keyed by all of it, state is kept by layer and direction.
struct HaloPass {
  int layer = 0;
  bool backward = false;
  std::uint32_t step = 0;
  Crossing what = Crossing::rows;
  std::optional<ZeroPattern> zeros = {};  ///< of a forward pass's matrix
  int heads = 1;                          ///< of attention
  HaloPart part = HaloPart::rows;
  bool probe = false;  ///< the planned rows once more, as they are: what the others are measured by
};

/// One of the exchanges that a training step makes; they are the same on every rank.
struct StepExchange {
  int layer = 0;
  bool backward = false;
  std::int64_t cols = 0;
  Crossing what = Crossing::rows;
  int heads = 1;
  bool sparse = false;  ///< of rows that ReLU or dropout zeroed, or their gradients
  double left = 1;      ///< of such a row, the share that the encoding sends, roughly
};

/// What the two ends of a cut edge cost, in proportion: a destination's partial result, a source's row.
struct CoverCosts {
  std::int64_t destination = 1, source = 1;
  bool operator==(const CoverCosts&) const = default;
};

/// What both ends know of the rows, so that neither need send what the other can compute.
struct HaloNodes {
  std::span<const StoreId> ids;  ///< [owned + halo]
  Rank self{0};
  std::uint64_t seed = 0;
};

/// The axes of a halo protocol: plan × route × select × encode × schedule. Each value of an axis is one file
/// in this folder and one line in registry.cc.

/// What must cross.
class HaloPlanner {
 public:
  virtual ~HaloPlanner() = default;
  /// Who owns what; collective calls go over `rows`.
  struct Owners {
    RowExchange& rows;
    std::function<Rank(GlobalId)> owner;
    std::int64_t first = 0, owned = 0;  ///< this rank's range of global ids
    std::vector<std::int64_t> begins;   ///< [ranks + 1] every rank's
  };
  /// From the halo's nodes, ascending. Collective.
  virtual HaloLists plan(const Owners& owners, std::span<const GlobalId> halo) = 0;

  /// Rows that reach no output of a training do not cross in it, where the model allows to tell.
  virtual bool prunes() const { return false; }
  /// Where owners may make what a destination gets: which ends of the edges from one rank into another cross,
  /// destinations (the graph's rows) as partial results or sources (its columns) as they are. Null: sources.
  using Cover = VertexCover (*)(const Bipartite& cut);
  virtual Cover cover() const { return nullptr; }
  /// The cover is a choice between both ends by what they cost.
  virtual bool weighs() const { return false; }
  /// Nodes of the halo with at most so many in-edges are computed for the second layer where they are wanted.
  virtual std::optional<std::int64_t> recomputes() const { return {}; }
  /// Ranks share out columns: each aggregates its own with all edges of the graph.
  virtual bool splits_columns() const { return false; }
};

/// Rows on their way. When it goes, so does the memory of what arrived.
class HaloTransfer {
 public:
  virtual ~HaloTransfer() = default;
  /// True once everything that this rank waits for is there.
  virtual bool progress() = 0;
  virtual void wait() = 0;
  /// Once waited for: the encoded rows in runs, one behind the other, or a frame for each that was expected.
  virtual std::vector<std::span<const std::byte>> arrived() const = 0;
};

/// How the rows travel.
class HaloRoute {
 public:
  virtual ~HaloRoute() = default;
  /// Rows of one length: forward from owners to those that have them in their halo, backward the reverse.
  struct Rows {
    const HaloLists& lists;
    bool backward = false;
    std::int64_t row_bytes = 0;
    ExchangeLabel label;
    bool in_pieces = false;  ///< what a rank gets is one piece of that many rows' bytes, not row by row
    std::int64_t leaving() const { return backward ? lists.halo : std::ssize(lists.send_rows); }
    std::int64_t coming() const { return backward ? std::ssize(lists.send_rows) : lists.halo; }
  };
  /// `write` puts the encoded rows that leave at an address, receiver by receiver.
  using Write = std::function<void(std::byte* wire)>;
  virtual std::unique_ptr<HaloTransfer> start(const Rows& rows, const Write& write) = 0;
  /// A frame of any length for each peer; a route that cannot says so. The bytes must outlive the transfer.
  virtual std::unique_ptr<HaloTransfer> start_frames(std::span<const FrameExchange::Parcel> parcels,
                                                     std::span<const FrameExchange::Expected> expected,
                                                     ExchangeLabel label);

  /// How many rows cross to and from each rank.
  virtual RowCounts counts(const HaloLists& lists, bool backward);
  /// And in how many messages to each.
  virtual std::vector<std::int64_t> messages(const HaloLists& lists, bool backward);
  /// Ranks without rows of their own take part, too.
  virtual bool collective() const { return replication() > 1; }
  /// Lists that it has seen are gone.
  virtual void forget() {}
  /// The rows of the sender's matrix that `write` puts forward, in their order; none: all of them, once.
  virtual std::span<const std::int32_t> written(const HaloLists& lists) { return lists.send_rows.span(); }
  /// More than one: the ranks are groups of so many, and one of a group sums for all of it, where an op can.
  virtual int replication() const { return 1; }
  /// Each rank's rows are consumed when they arrive and dropped, where an op can.
  virtual bool in_rounds() const { return false; }
  /// The part of an exchange between this rank and two others, only with `in_rounds`.
  struct Round {
    Rank to{0}, from{0};
  };
  virtual std::unique_ptr<HaloTransfer> start_round(const Rows& rows, const Round& round, const Write& write);
};

class HaloFrames;
struct HaloFrame;

/// Which of the planned rows cross at a step. Both ends compute it by themselves.
class HaloSelect {
 public:
  virtual ~HaloSelect() = default;
  /// Stays as it is until the step after the next: a schedule may be one step late.
  virtual const HaloLists& select(const HaloLists& planned, const HaloNodes& nodes, const HaloPass& pass) = 0;
  /// Rows that do not cross keep what arrived last; otherwise they are zeros.
  virtual bool keeps_missing() const { return false; }
  /// Zeros stand for rows that do not cross, so that only sums over neighbours remain unbiased.
  virtual bool drops_rows() const { return false; }
  /// The sender looks at the rows and tells which cross: 1 for each that does. It is told what came of it,
  /// which a replayed run decides otherwise.
  virtual bool decides() const { return false; }
  virtual std::vector<std::uint8_t> decided(const HaloFrame& frame, ConstTensor x);
  virtual void note(const HaloFrame& /*frame*/, ConstTensor /*x*/,
                    std::span<const std::uint8_t> /*crosses*/) {}
  /// What it keeps from step to step, for a checkpoint.
  virtual void save(HaloState& /*state*/) const {}
  virtual void restore(const HaloState& /*state*/) {}
};

/// What a row looks like on the wire.
class HaloEncode {
 public:
  virtual ~HaloEncode() = default;
  virtual std::int64_t row_bytes(std::int64_t cols) const = 0;
  /// Of these, what only tells how to read the others.
  virtual std::int64_t header_bytes(std::int64_t /*cols*/) const { return 0; }
  /// Rows of a matrix that are sent.
  struct Rows {
    ConstTensor x;
    std::span<const std::int32_t> rows;  ///< empty: all, in order
    std::span<const StoreId> ids;        ///< [x.rows]
    RoundingDraws draws;
  };
  virtual void encode(const Backend& on, const Rows& rows, std::byte* wire) = 0;
  virtual void decode(const Backend& on, const std::byte* wire, Tensor y) = 0;
  /// Rows by frames, for an encoding whose rows have no length of their own; null: by the functions above.
  virtual HaloFrames* frames() { return nullptr; }
  /// Where it is one of several by layer, as somebody else settles; null: it is not.
  virtual HaloLadder* ladder() { return nullptr; }
};

/// When an exchange is waited for.
class HaloSchedule {
 public:
  virtual ~HaloSchedule() = default;
  /// Compute what needs no arrivals between start and wait.
  virtual bool overlaps() const = 0;
  /// What arrives at a step is what was sent the step before; the first step waits for its own.
  virtual bool one_step_late() const { return false; }
  /// γ of the moving average that takes the place of what arrives; 0: none.
  virtual float smoothing(bool /*backward*/) const { return 0; }
};

/// One value per axis, with its parameter behind a colon where it has one: "boundary:0.1".
struct HaloProtocol {
  std::string plan = "halo-rows";
  std::string route = "point-to-point";
  std::string select = "all";
  std::string encode = "fp32";
  std::string schedule = "overlap";
  bool feedback = false;   ///< what quantising loses of a row is added to what is sent of it next
  bool checksum = false;   ///< rows travel as frames with a checksum
  std::uint64_t seed = 0;  ///< of what is drawn
  std::int64_t steps = 0;  ///< of the training, for what changes over it
};

/// The axes by name: their settings, and where a protocol has their value.
struct HaloAxis {
  const char* name;
  std::string HaloProtocol::*value;
};
inline constexpr HaloAxis kHaloAxes[] = {{"plan", &HaloProtocol::plan},
                                         {"route", &HaloProtocol::route},
                                         {"select", &HaloProtocol::select},
                                         {"encode", &HaloProtocol::encode},
                                         {"schedule", &HaloProtocol::schedule}};

/// A value of an axis by its name; throws InputError with the nearest known one, and on a parameter that is
/// missing, out of range or not taken.
std::unique_ptr<HaloPlanner> make_plan(const std::string& name);
std::unique_ptr<HaloRoute> make_route(const std::string& name, RowExchange& rows,
                                      FrameCheck check = FrameCheck::none);
/// What make_route refuses without looking at the ranks.
void check_route_name(const std::string& name);
std::unique_ptr<HaloSelect> make_select(const std::string& name);
std::unique_ptr<HaloEncode> make_encode(const std::string& name, std::int64_t steps = 0);
/// The same with error feedback; throws InputError for one that does not quantise rows.
std::unique_ptr<HaloEncode> make_feedback(const std::string& encode);
std::unique_ptr<HaloSchedule> make_schedule(const std::string& name);
/// The names an axis ("plan", "route", …) knows, without parameters.
std::vector<std::string> halo_choices(const std::string& axis);

}  // namespace kith
