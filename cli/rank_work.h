#pragma once
#include <filesystem>

#include "kith/comm/communicator.h"
#include "kith/core/parallel.h"
#include "kith/core/settings.h"
#include "kith/exec/model.h"
#include "kith/kernels/backend.h"

namespace kith::cli {

/// What every verb on ranks begins with: the no-progress limit, and the rank's share of its host's cores
/// (or `--threads`) as its threads. Collective.
int prepared_threads(Communicator& comm, const Settings& settings);

/// The ranks over the network of `--net` with `--emulate-net`, else null. Collective.
std::unique_ptr<Communicator> emulated_network(Communicator& comm, const Settings& settings);

/// What `--device`, `--gpu-wire` and `--allow-shared-gpu` ask for.
class ChosenDevice {
 public:
  /// Collective.
  ChosenDevice(Communicator& comm, const Settings& settings);
  const Backend& on() const { return on_; }
  /// The ranks, by a communicator that takes GPU memory where there is one.
  Communicator& ranks() const { return over_gpus_ != nullptr ? *over_gpus_ : comm_; }

 private:
  Communicator& comm_;
  Backend on_;
  std::unique_ptr<Communicator> over_gpus_;
};

/// Makes the built-in model that a run's settings name.
ModelFactory model_factory(const Settings& train_settings);

}  // namespace kith::cli
