#include "kith/cli/failure.h"

#include <cstdio>
#include <filesystem>
#include <new>

#include <fmt/format.h>

#include "kith/core/log.h"

namespace kith::cli {
namespace {

/// One write, so that lines of several ranks do not mix.
void print_last_line(const std::string& line) {
  log::flush();
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
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

}  // namespace kith::cli
