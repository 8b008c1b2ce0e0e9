#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kith/comm/row_exchange.h"
#include "kith/core/array.h"
#include "kith/core/tensor.h"
#include "kith/kernels/backend.h"

namespace kith {

/// Which rows cross between this rank and every other, and where they belong.
struct HaloLists {
  std::int64_t owned = 0;  ///< rows of this rank
  std::int64_t halo = 0;   ///< rows that arrive; they fill halo rows 0, 1, … in order of their owners
  RowCounts counts;        ///< rows to and from each rank
  Array<std::int32_t> send_rows;  ///< owned rows, grouped by receiving rank
  std::int64_t plan_rows = 0;  ///< what this rank's parts would receive if every part had a rank of its own
};

/// The axes of a halo protocol: plan × route × select × encode × schedule. Each value of an axis is one file
/// in this folder and one line in registry.cc.

/// What must cross.
class HaloPlanner {
 public:
  virtual ~HaloPlanner() = default;
  /// From the halo's nodes and the ownership; collective. `halo` ascending global ids, `first` this rank's
  /// first.
  virtual HaloLists plan(RowExchange& rows, std::span<const GlobalId> halo,
                         const std::function<Rank(GlobalId)>& owner, std::int64_t first,
                         std::int64_t owned) = 0;
};

/// How the rows travel.
class HaloRoute {
 public:
  virtual ~HaloRoute() = default;
  virtual RowExchange::InFlight start(std::span<const std::byte> send, std::span<std::byte> receive,
                                      const RowCounts& counts, std::int64_t row_bytes,
                                      ExchangeLabel label) = 0;
};

/// Which of the planned rows cross at a step.
class HaloSelect {
 public:
  virtual ~HaloSelect() = default;
  virtual const HaloLists& select(const HaloLists& all, std::uint32_t step) = 0;
};

/// What a row looks like on the wire.
class HaloEncode {
 public:
  virtual ~HaloEncode() = default;
  virtual std::int64_t row_bytes(std::int64_t cols) const = 0;
  /// Rows `rows` of x, or all of x in order when `rows` is empty.
  virtual void encode(const Backend& on, ConstTensor x, std::span<const std::int32_t> rows,
                      std::byte* wire) = 0;
  virtual void decode(const Backend& on, const std::byte* wire, Tensor y) = 0;
};

/// When an exchange is waited for.
class HaloSchedule {
 public:
  virtual ~HaloSchedule() = default;
  /// Compute what needs no arrivals between start and wait.
  virtual bool overlaps() const = 0;
};

/// One name per axis.
struct HaloProtocol {
  std::string plan = "halo-rows";
  std::string route = "point-to-point";
  std::string select = "all";
  std::string encode = "fp32";
  std::string schedule = "overlap";
};

/// A value of an axis by its name; throws InputError with the nearest known one.
std::unique_ptr<HaloPlanner> make_plan(const std::string& name);
std::unique_ptr<HaloRoute> make_route(const std::string& name, RowExchange& rows);
std::unique_ptr<HaloSelect> make_select(const std::string& name);
std::unique_ptr<HaloEncode> make_encode(const std::string& name);
std::unique_ptr<HaloSchedule> make_schedule(const std::string& name);
/// The names an axis ("plan", "route", …) knows.
std::vector<std::string> halo_choices(const std::string& axis);

}  // namespace kith
