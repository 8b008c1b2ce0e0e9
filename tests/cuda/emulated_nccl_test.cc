// The NCCL communicator over an emulated NCCL: threads for ranks, which no real NCCL takes on one device.
#include "exec/trained.h"
#include "on_cuda.h"

#include "kith/comm/device_communicator.h"
#include "kith/core/array.h"

namespace kith::test {
namespace {

class EmulatedNccl : public OnCuda {
 protected:
  std::unique_ptr<Communicator> over_gpus(Communicator& comm) const {
    return device_communicator(comm, device(), DeviceWire::nccl);
  }
  Array<float> on_device(std::size_t size, float value) const {
    const UseMemory there(&device());
    return Array<float>(size, value);
  }
};

TEST_F(EmulatedNccl, SumsWhatLiesOnDevicesAndOnHosts) {
  run_thread_ranks(3, [&](Communicator& threads) {
    const auto comm = over_gpus(threads);
    Array<float> values = on_device(100, static_cast<float>(comm->rank().value() + 1));
    comm->wait(comm->start_all_reduce_sum(values.span(), "sum"));
    EXPECT_EQ(host_copy_of(std::as_const(values).span())[99], 6);
    EXPECT_EQ(all_reduce_sum(*comm, std::int64_t{2}, "sum"), 6);
  });
}

TEST_F(EmulatedNccl, TakesTheMessagesOfAnExchangeTogether) {
  run_thread_ranks(2, [&](Communicator& threads) {
    const auto comm = over_gpus(threads);
    const Rank other{1 - comm->rank().value()};
    const Array<float> sent = on_device(10, static_cast<float>(comm->rank().value()));
    Array<float> arrived = on_device(10, 9);
    std::vector<Pending> both;
    comm->begin_group();
    both.push_back(comm->start_receive(std::as_writable_bytes(arrived.span()), other, 1, "receive"));
    both.push_back(comm->start_send(std::as_bytes(sent.span()), other, 1, "send"));
    EXPECT_FALSE(both.front()->test());
    comm->end_group();
    comm->wait_all(std::move(both));
    EXPECT_EQ(host_copy_of(std::as_const(arrived).span())[3], static_cast<float>(other.value()));
  });
}

TEST_F(EmulatedNccl, NamesThePeerThatIsMissing) {
  EXPECT_THROW(run_thread_ranks(2,
                                [&](Communicator& threads) {
                                  const auto comm = over_gpus(threads);
                                  if (comm->rank() == Rank{1}) throw InputError("gone");
                                  comm->set_no_progress_limit(std::chrono::seconds(5));
                                  Array<float> values = on_device(10, 1);
                                  try {
                                    comm->wait(comm->start_receive(std::as_writable_bytes(values.span()),
                                                                   Rank{1}, 1, "rows"));
                                    ADD_FAILURE() << "nothing was sent";
                                  } catch (const PeerError& error) {
                                    EXPECT_NE(std::string(error.what()).find("rank 1"), std::string::npos)
                                        << error.what();
                                    throw;
                                  }
                                }),
               PeerError);
}

TEST_F(EmulatedNccl, CarriesTheHalosAndGradientsOfATraining) {
  const RandomStore store({.nodes = 160, .degree = 6, .cols = 12, .train_stride = 3, .all_splits = true});
  const PartitionedStore parts = cut(store, "random", 3);
  for (const std::string encode : {"fp32", "int8"}) {
    Training training = full_graph_training("sage");
    training.options.epochs = 3;
    training.options.protocol.encode = encode;
    const Trained expected = trained_on_threads(3, parts, training);
    training.options.on = Cuda{&device()};
    run_thread_ranks(3, [&](Communicator& threads) {
      const auto comm = over_gpus(threads);
      const Trained got = trained(*comm, parts, training);
      EXPECT_LT(largest_relative_difference(got.losses, expected.losses), 1e-4) << encode;
      EXPECT_EQ(got.halo_bytes > 0, true);
    });
  }
}

// Other routes hold rows on the host, and NCCL's stay on the device.
TEST_F(EmulatedNccl, TakesNoOtherRouteThanMessages) {
  const RandomStore store({.nodes = 60, .degree = 4, .cols = 12, .train_stride = 3, .all_splits = true});
  const PartitionedStore parts = cut(store, "random", 2);
  Training training = full_graph_training("sage");
  training.options.protocol.route = "shared-memory";
  training.options.on = Cuda{&device()};
  EXPECT_THROW(run_thread_ranks(2,
                                [&](Communicator& threads) {
                                  const auto comm = over_gpus(threads);
                                  trained(*comm, parts, training);
                                }),
               InputError);
}

}  // namespace
}  // namespace kith::test
