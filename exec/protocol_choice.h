#pragma once
#include <string>
#include <vector>

#include "kith/comm/communicator.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/exec/halo/axes.h"
#include "kith/exec/model.h"
#include "kith/exec/net_model.h"
#include "kith/exec/train_options.h"

namespace kith {

/// What a halo protocol is predicted to send a step, and how long that takes on a network.
struct ProtocolCost {
  /// One exchange, over all ranks.
  struct Exchange {
    int layer = 0;
    bool backward = false;
    double bytes = 0, messages = 0, seconds = 0;
  };
  HaloProtocol protocol;
  std::string likely;      ///< of a ladder of encodings, the one that the rows are counted by
  bool estimated = false;  ///< lengths depend on the data: by the share of zeros that is usual
  std::vector<Exchange> exchanges;
  double bytes() const;
  double seconds() const;
};

/// Of the protocols that lose nothing, on these parts and ranks: every plan, with rows as they are and
/// without their zeros, less what means nothing for the model; an axis that is not among
/// `options.auto_axes` stays as options.protocol has it. With an error budget the rows are encoded by layer,
/// and counted by the encoding that is likely to hold it. The cheapest first. Collective.
std::vector<ProtocolCost> predicted_costs(Communicator& comm, const PartitionedStore& parts,
                                          const TrainOptions& options, const ModelFactory& make,
                                          const NetModel& net);

/// The predictions side by side, the choice first.
std::string cost_table(const std::vector<ProtocolCost>& costs, const NetModel& net);

}  // namespace kith
