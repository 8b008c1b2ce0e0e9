// CAGNET's 1.5-D algorithm (Tripathy, Yelick and Buluç, SC 2020): the ranks are groups of c, and what a
// rank's rows are to the destinations of a group one rank of it sums, which sends the others theirs; backward
// the reverse. So a rank's rows go to P / c others in place of P − 1, and c − 1 sums come back for each of
// its own. The paper also keeps every row on c ranks; here a row stays with its owner, and edges alone are
// moved.
#include "kith/exec/halo/message_transfer.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class Replicated final : public HaloRoute {
 public:
  Replicated(RowExchange& rows, int copies) : rows_(&rows), copies_(copies) {}
  int replication() const override { return copies_; }
  std::unique_ptr<HaloTransfer> start(const Rows& rows, const Write& write) override {
    return start_messages(*rows_, *this, rows, write);
  }

 private:
  RowExchange* rows_;
  int copies_;
};

}  // namespace

std::unique_ptr<HaloRoute> replicated(RowExchange& rows, double copies) {
  const int ranks = rows.comm().size(), groups_of = static_cast<int>(copies);
  if (ranks > 1 && (ranks % groups_of != 0 || groups_of * groups_of > ranks))
    throw InputError(
        with_facts("route replicated takes groups of C ranks, where C divides their number and C times C is "
                   "at most that",
                   {{"ranks", ranks}, {"C", groups_of}}));
  return std::make_unique<Replicated>(rows, ranks > 1 ? groups_of : 1);
}

}  // namespace kith::halo
