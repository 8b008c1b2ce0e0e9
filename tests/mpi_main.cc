// The main of the MPI tests. Every rank runs every test; a test that fails on one rank fails on all; rank 0
// prints, the others print only their failures; a program that takes too long says where it hangs and ends
// the job, because a launcher that is killed may leave its ranks behind.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>

#include "mpi_test.h"
#include <gtest/gtest.h>

#include "kith/comm/world.h"

namespace {

using kith::Communicator;

std::unique_ptr<Communicator> control;
std::unique_ptr<Communicator> current;

class AgreeOnFailure : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override {
    current = control->duplicate();
    current->set_no_progress_limit(std::chrono::seconds(20));
  }
  void OnTestEnd(const testing::TestInfo& test) override {
    const bool failed = test.result()->Failed();
    const auto failures = all_gather(*control, static_cast<std::int64_t>(failed), "end of a test");
    for (std::size_t r = 0; r < failures.size(); ++r)
      if (failures[r] != 0 && !failed) ADD_FAILURE() << "failed on rank " << r;
    current.reset();
  }
};

class PrintFailures : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (part.failed())
      std::fprintf(stderr, "[rank %d] %s:%d: %s\n", control->rank().value(),
                   part.file_name() == nullptr ? "?" : part.file_name(), part.line_number(), part.message());
  }
};

/// Ends the job unless it goes out of scope in time.
class TimeLimit {
 public:
  explicit TimeLimit(std::chrono::seconds limit)
      : thread_([this, limit] {
          std::unique_lock lock(mutex_);
          if (changed_.wait_for(lock, limit, [this] { return done_; })) return;
          std::fprintf(stderr, "[rank %d] no end after %lld s; the last operations:\n%s",
                       control->rank().value(), static_cast<long long>(limit.count()),
                       current == nullptr ? "" : last_operations(*current).c_str());
          control->abort(kith::ExitCode::peer_lost);
        }) {}
  ~TimeLimit() {
    {
      std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

int run_tests() {
  const char* text = std::getenv("KITH_TEST_LIMIT");
  const TimeLimit limit(std::chrono::seconds(text == nullptr ? 110 : std::atoi(text)));
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (control->rank().value() != 0) {
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new PrintFailures);
  }
  // The end events go backwards through the listeners: this one is before the printer.
  listeners.Append(new AgreeOnFailure);
  return static_cast<int>(all_reduce_max(*control, std::int64_t{RUN_ALL_TESTS()}, "result"));
}

}  // namespace

kith::Communicator& kith::test::world() { return *current; }

int main(int argc, char** argv) {
  kith::MpiEnvironment environment(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  control = environment.world();
  control->set_no_progress_limit(std::chrono::seconds(90));
  int result = 1;
  try {
    result = run_tests();
  } catch (const kith::Error& e) {
    std::fprintf(stderr, "[rank %d] %s\n", control->rank().value(), e.what());
    control->abort(e.code());
  }
  environment.set_exit_code(static_cast<kith::ExitCode>(result));
  control.reset();
  return result;
}
