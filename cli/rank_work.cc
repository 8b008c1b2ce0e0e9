#include "kith/cli/rank_work.h"

#include "kith/comm/delayed_communicator.h"
#include "kith/comm/device_communicator.h"
#include "kith/comm/world.h"
#include "kith/exec/device.h"
#include "kith/exec/net_model.h"
#include "kith/exec/settings.h"
#include "kith/kernels/product_precision.h"

namespace kith::cli {

int prepared_threads(Communicator& comm, const Settings& settings) {
  comm.set_no_progress_limit(std::chrono::duration<double>(settings.real("no-progress-limit")));
  const int share = default_threads(comm);
  const auto asked = static_cast<int>(settings.integer("threads"));
  return asked > 0 ? asked : share;
}

std::unique_ptr<Communicator> emulated_network(Communicator& comm, const Settings& settings) {
  if (!settings.boolean("emulate-net")) return nullptr;
  if (!settings.has_value("net"))
    throw InputError("--emulate-net needs the network: --net alpha_us=20,gbps=10");
  return delayed_communicator(comm, net_model(settings.text("net")));
}

namespace {
ProductPrecision precision_of(const std::string& name) {
  return name == "tf32"   ? ProductPrecision::tf32
         : name == "bf16" ? ProductPrecision::bf16
                          : ProductPrecision::fp32;
}
}  // namespace

ChosenDevice::ChosenDevice(Communicator& comm, const Settings& settings)
    : comm_(comm),
      on_(device_for(comm, settings.text("device"),
                     settings.boolean("allow-shared-gpu") ? SharedGpu::allowed : SharedGpu::refused)) {
  set_product_precision(on_, precision_of(settings.text("gpu-products")));
  if (memory_of(on_) == nullptr) return;
  const std::string wire = settings.text("gpu-wire");
  over_gpus_ = device_communicator(comm, *memory_of(on_),
                                   wire == "nccl"   ? DeviceWire::nccl
                                   : wire == "host" ? DeviceWire::host
                                                    : DeviceWire::automatic);
}

ModelFactory model_factory(const Settings& train_settings) {
  return factory_of(model_options(train_settings));
}

}  // namespace kith::cli
