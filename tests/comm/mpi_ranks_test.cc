// Every claim over the ranks of an MPI job.
#include <cstdlib>

#include "claims.h"
#include "mpi_test.h"
#include <gtest/gtest.h>

namespace kith::test {

class MpiRanks : public testing::TestWithParam<Claim> {};

TEST_P(MpiRanks, Holds) { GetParam().check(world()); }

INSTANTIATE_TEST_SUITE_P(, MpiRanks, testing::ValuesIn(kClaims),
                         [](const auto& claim) { return std::string(claim.param.name); });

TEST(LargeMessages, MoreThanTwoGibibytesArriveWhole) {
  if (std::getenv("KITH_SLOW_TESTS") == nullptr)
    GTEST_SKIP() << "set KITH_SLOW_TESTS=1: it takes 5 GB of memory";
  Communicator& comm = world();
  const std::size_t bytes = (std::size_t{1} << 31) + 12345;
  if (comm.size() < 2 || comm.rank().value() > 1) return;
  std::vector<std::byte> large(bytes);
  if (comm.rank() == Rank(0)) {
    for (std::size_t i = 0; i < bytes; i += 4093) large[i] = static_cast<std::byte>(i % 251 + 1);
    comm.wait(comm.start_send(large, Rank(1), 0, "large message"));
    return;
  }
  comm.wait(comm.start_receive(large, Rank(0), 0, "large message"));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < bytes; i += 4093)
    wrong += large[i] != static_cast<std::byte>(i % 251 + 1) ? 1 : 0;
  EXPECT_EQ(wrong, 0u);
}

}  // namespace kith::test
