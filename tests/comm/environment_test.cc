#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/comm/operation_log.h"
#include "kith/comm/world.h"

namespace kith {

namespace {

std::string error_in(int mpi_size, const std::map<std::string, std::string>& variables) {
  return singleton_error(mpi_size, [&](const char* name) {
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : it->second.c_str();
  });
}

}  // namespace

TEST(SingletonError, NamesTheFixInAStepWhereEachTaskIsAlone) {
  EXPECT_THAT(error_in(1, {{"SLURM_STEP_NUM_TASKS", "8"}}), testing::HasSubstr("srun --mpi=pmi2"));
  EXPECT_THAT(error_in(1, {{"SLURM_NTASKS", "4"}, {"SLURM_SRUN_COMM_HOST", "n1"}}),
              testing::HasSubstr("4 tasks"));
}

TEST(SingletonError, IsSilentWhereOneRankIsMeant) {
  EXPECT_EQ(error_in(1, {}), "");
  EXPECT_EQ(error_in(1, {{"SLURM_STEP_NUM_TASKS", "1"}}), "");
  EXPECT_EQ(error_in(8, {{"SLURM_STEP_NUM_TASKS", "8"}}), "");
  EXPECT_EQ(error_in(1, {{"SLURM_NTASKS", "8"}}), "") << "a batch script itself";
  EXPECT_EQ(error_in(1, {{"SLURM_STEP_NUM_TASKS", "8"}, {"PMI_RANK", "0"}}), "")
      << "mpiexec -n 1 inside a step";
}

TEST(OperationLog, KeepsTheLastOperationsAndTheirState) {
  OperationLog log;
  for (int i = 0; i < OperationLog::kKept + 2; ++i) log.start("halo exchange", "send", i, 3);
  log.complete(OperationLog::kKept + 1);
  log.complete(0);  // overwritten long ago
  const std::string text = log.text();
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("#1 ")));
  EXPECT_THAT(text, testing::HasSubstr("#2 halo exchange: send of 2 bytes, rank 3, under way\n"));
  EXPECT_THAT(text, testing::HasSubstr("#33 halo exchange: send of 33 bytes, rank 3\n"));
}

}  // namespace kith
