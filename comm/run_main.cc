#include "kith/comm/run_main.h"

#include "kith/comm/failure.h"
#include "kith/comm/world.h"
#include "kith/core/log.h"
#include "kith/core/parallel.h"

namespace kith {
namespace {

ExitCode run_world(int& argc, char**& argv, const std::function<void(Communicator&)>& body) {
  MpiEnvironment mpi(argc, argv);
  const auto world = mpi.world();
  log::open({.rank = world->rank().value(), .ranks = world->size()});
  const auto failure = failure_of([&] {
    const ThreadLimit limit(default_threads(*world));
    body(*world);
  });
  const ExitCode code = failure ? end_job(*world, *failure) : ExitCode::done;
  mpi.set_exit_code(code);
  return code;
}

}  // namespace

int run_main(int argc, char** argv, const std::function<void(Communicator&)>& body) {
  ExitCode code = ExitCode::done;
  const auto failure = failure_of([&] { code = run_world(argc, argv, body); });
  if (failure) {
    report(*failure);
    code = failure->code;
  }
  return static_cast<int>(code);
}

}  // namespace kith
