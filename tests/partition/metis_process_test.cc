#include "kith/partition/metis_process.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "partition/graphs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "kith/core/error.h"
#include "kith/partition/partitioners.h"

namespace kith {
namespace {

using namespace test;
using testing::HasSubstr;
namespace fs = std::filesystem;

class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~ScopedVariable() { unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
};

class Script {
 public:
  explicit Script(const std::string& body)
      : path_(fs::path(testing::TempDir()) / ("kith-metis-script-" + std::to_string(getpid()))) {
    std::ofstream(path_) << "#!/bin/sh\n" << body << "\n";
    fs::permissions(path_, fs::perms::owner_all);
  }
  ~Script() { fs::remove(path_); }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

struct Failure {
  ExitCode code = ExitCode::done;
  std::string message;
};

Failure failure_with(const std::string& program) {
  const ScopedVariable metis("KITH_METIS", program);
  const Csr32 graph = random_graph(20, 60, 51);
  try {
    metis_partition({.graph = any(graph), .k = 2});
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {};
}

TEST(MetisProcess, AFailureNamesTheAlternatives) {
  for (const char* program : {"/bin/false", "/bin/true"}) {
    const Failure failure = failure_with(program);
    EXPECT_EQ(failure.code, ExitCode::other) << program;
    EXPECT_THAT(failure.message, HasSubstr("--method random")) << program;
    EXPECT_THAT(failure.message, HasSubstr("--method range")) << program;
    EXPECT_THAT(failure.message, HasSubstr("--assignment FILE")) << program;
  }
}

// A graph of 4 MB: the page tables of its message would show.
TEST(MetisProcess, WhileItWorksKithLeavesTheMessageToIt) {
  const Script script("grep RssShmem /proc/$PPID/status; exit 3");
  const ScopedVariable metis("KITH_METIS", script.path());
  const Csr32 graph = random_graph(1000, 500000, 52);
  EXPECT_THAT([&] { metis_partition({.graph = any(graph), .k = 2}); },
              testing::ThrowsMessage<Error>(testing::ContainsRegex("RssShmem:[^0-9]+0 kB")));
}

TEST(MetisProcess, AKillIsOutOfMemory) {
  const Script script("kill -KILL $$");
  const Failure failure = failure_with(script.path());
  EXPECT_EQ(failure.code, ExitCode::out_of_memory);
  EXPECT_THAT(failure.message, HasSubstr("memory runs out"));
  EXPECT_THAT(failure.message, HasSubstr("--method random"));
}

TEST(MetisProcess, ACrashIsNamedByItsSignalAndLastWords) {
  const Script script("echo division by nothing; kill -FPE $$");
  const Failure failure = failure_with(script.path());
  EXPECT_EQ(failure.code, ExitCode::other);
  EXPECT_THAT(failure.message, HasSubstr("Floating point exception"));
  EXPECT_THAT(failure.message, HasSubstr("division by nothing"));
  EXPECT_THAT(failure.message, HasSubstr("--assignment FILE"));
}

TEST(MetisProcess, SeesNoVariableThatMakesItARank) {
  const ScopedVariable pmi("PMI_RANK", "1"), hydra("HYDRA_HOST", "a"), plain("KITH_TEST_PLAIN", "here");
  const Script script("echo \"<$PMI_RANK|$HYDRA_HOST|$KITH_TEST_PLAIN>\"; exit 7");
  const Failure failure = failure_with(script.path());
  EXPECT_THAT(failure.message, HasSubstr("<||here>"));
  EXPECT_THAT(failure.message, HasSubstr("exit status 7"));
}

TEST(MetisProcess, InheritsOnlyTheMessage) {
  constexpr int kSocket = 37;  // stays open here, as an MPI library's sockets would
  ASSERT_EQ(dup2(1, kSocket), kSocket);
  const Script script("echo /proc/self/fd/*; exit 1");
  const Failure failure = failure_with(script.path());
  close(kSocket);
  EXPECT_THAT(failure.message, HasSubstr("fd/3"));
  EXPECT_THAT(failure.message, testing::Not(HasSubstr("fd/37")));
}

TEST(MetisProcess, AProgramThatIsNotThereIsNamed) {
  const Failure failure = failure_with("/nowhere/kith-metis");
  EXPECT_EQ(failure.code, ExitCode::bad_input);
  EXPECT_THAT(failure.message, HasSubstr("/nowhere/kith-metis"));
}

TEST(MetisProcess, IsFoundWithoutTheVariable) { EXPECT_EQ(metis_program().filename(), "kith-metis"); }

}  // namespace
}  // namespace kith
