// Feature rows that a device keeps, and those that it is given, are the store's.
#include <vector>

#include "on_cuda.h"
#include "sampler/random_store.h"

#include "kith/comm/world.h"
#include "kith/core/error.h"
#include "kith/sampler/device_features.h"

namespace kith::test {
namespace {

class DeviceFeatureRows : public OnCuda {
 protected:
  Backend cuda() const { return Cuda{&device()}; }

  /// Fetches some nodes on every rank, but none on rank 1 in the last round, with what `spec` keeps, and
  /// compares them with the store's rows; returns how many rows of rank 0 were on the device.
  double check(const RandomStore& store, int ranks, const std::string& spec) const;
};

/// Every third node from `first` on, and as many from the end.
std::vector<GlobalId> asked(std::int64_t nodes, std::int64_t first) {
  std::vector<GlobalId> list;
  for (std::int64_t v = first; v < nodes; v += 3)
    list.insert(list.end(), {GlobalId{v}, GlobalId{nodes - 1 - v}});
  return list;
}

double DeviceFeatureRows::check(const RandomStore& store, int ranks, const std::string& spec) const {
  const PartitionedStore parts = store.open();
  const std::vector<std::int64_t> store_ids = store_ids_of(parts);
  const Ownership ownership(parts, ranks);
  double kept = 0;
  run_thread_ranks(ranks, [&](Communicator& comm) {
    Ledger ledger;
    const OwnedData owned(parts, ownership, comm.rank());
    FeatureStore features(comm, ledger, owned, ownership, {});
    const CacheContext context{parts, ownership, comm.rank(), {5, 5}, 50};
    const auto hot = hot_nodes(cuda(), spec, context, features.cols());
    const auto there = device_features(cuda(), {comm, ledger, features, ownership.nodes()}, hot);
    for (std::int64_t round = 0; round < 3; ++round) {
      const bool none = round == 2 && comm.rank().value() == 1;
      const auto nodes = none ? std::vector<GlobalId>() : asked(ownership.nodes(), round);
      const Matrix rows = there->fetch(nodes);
      EXPECT_TRUE(rows.rows() == 0 || !rows.on_host());
      const Array<float> back = host_copy_of(rows.span());
      for (std::size_t i = 0; i < nodes.size(); ++i)
        for (std::int64_t c = 0; c < rows.cols(); ++c)
          EXPECT_EQ(back[static_cast<std::int64_t>(i) * rows.cols() + c],
                    store.feature(store_ids[static_cast<std::size_t>(nodes[i].value())], c));
    }
    if (comm.rank().value() == 0) kept = ledger.total("features.device_rows");
  });
  return kept;
}

TEST_F(DeviceFeatureRows, AreTheStoresForEveryPolicyAndSize) {
  const RandomStore store({.parts = 3});
  for (const int ranks : {1, 3}) {
    EXPECT_EQ(check(store, ranks, "none"), 0);
    EXPECT_GT(check(store, ranks, "degree:10%"), 0);
    EXPECT_GT(check(store, ranks, "vip:1KiB"), 0);
    // All of them: three rounds over two thirds of the nodes.
    EXPECT_EQ(check(store, ranks, "auto"), 2 * 400);
  }
}

TEST_F(DeviceFeatureRows, AreDecodedFromEveryStoredType) {
  for (const DType type : {DType::f16, DType::bf16, DType::i8})
    for (const std::int64_t cols : {3, 8}) {
      const RandomStore store({.nodes = 100, .dtype = type, .cols = cols, .parts = 2});
      EXPECT_GT(check(store, 2, "vip:30"), 0);
    }
}

TEST_F(DeviceFeatureRows, RefuseASizeThatIsNone) {
  const RandomStore store({.nodes = 50, .parts = 1});
  const PartitionedStore parts = store.open();
  const Ownership ownership(parts, 1);
  const CacheContext context{parts, ownership, Rank{0}, {5}, 50};
  EXPECT_THROW(hot_nodes(cuda(), "vip:many", context, 5), InputError);
  EXPECT_THROW(hot_nodes(Cpu{}, "lru:5", context, 5), InputError);
  EXPECT_TRUE(hot_nodes(Cpu{}, "vip:5", context, 5).empty());
}

}  // namespace
}  // namespace kith::test
