// One rank's failure must neither leave the others waiting nor drown in their echoes: the failing rank ends
// the job. Each rank pauses in proportion to its number, and a lost peer, which is most often the echo of
// another rank's failure, a little longer.
#include "kith/comm/failure.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <new>
#include <thread>

#include <fmt/format.h>

#include "kith/core/log.h"

namespace kith {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPausePerRank{400};
constexpr milliseconds kLongestPause{2000};
constexpr milliseconds kEchoPause{500};

/// One write, so that lines of several ranks do not mix.
void print_last_line(const std::string& line) {
  log::flush();
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

void pause_for_lower_ranks(const Communicator& comm, const Failure& failure) {
  if (comm.size() == 1) return;
  auto pause = std::min<milliseconds>(kPausePerRank * comm.rank().value(), kLongestPause);
  if (failure.code == ExitCode::peer_lost) pause += kEchoPause;
  std::this_thread::sleep_for(pause);
}

}  // namespace

std::optional<Failure> failure_of(const std::function<void()>& work) {
  try {
    work();
    return std::nullopt;
  } catch (const Error& error) {
    return Failure{error.code(), error.what()};
  } catch (const std::bad_alloc&) {
    return Failure{ExitCode::out_of_memory,
                   "out of memory; more ranks or a machine with more memory would help"};
  } catch (const std::filesystem::filesystem_error& error) {
    return Failure{ExitCode::bad_input, error.what()};
  } catch (const std::exception& error) {
    return Failure{ExitCode::other, error.what()};
  }
}

void report(const Failure& failure) { print_last_line(fmt::format("kith: error: {}\n", failure.message)); }

void report(const Failure& failure, const Communicator& comm) {
  if (comm.size() == 1) return report(failure);
  print_last_line(fmt::format("ROOT CAUSE rank {} host {}: {}\n", comm.rank().value(),
                              comm.host_of(comm.rank()), failure.message));
}

ExitCode end_job(Communicator& comm, const Failure& failure) {
  if (failure.code == ExitCode::requeue) {  // all ranks leave with it, so none need be ended
    if (comm.rank() == Rank{0}) print_last_line(fmt::format("kith: {}\n", failure.message));
    return failure.code;
  }
  log::debug(last_operations(comm));
  log::debug(failure.message);  // a launcher that ends the job may swallow the last word
  pause_for_lower_ranks(comm, failure);
  report(failure, comm);
  if (comm.size() > 1) comm.abort(failure.code);
  return failure.code;
}

}  // namespace kith
