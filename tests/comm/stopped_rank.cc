// A rank that stops itself (as a stuck file system or a debugger would stop it): the other must end the job
// and name it. Run by stopped_rank_test.sh.
#include <csignal>
#include <cstdio>

#include "kith/comm/world.h"

int main(int argc, char** argv) {
  kith::MpiEnvironment environment(argc, argv);
  const auto world = environment.world();
  world->set_no_progress_limit(std::chrono::seconds(3));
  try {
    kith::barrier(*world, "start");
    if (world->rank() == kith::Rank(1)) std::raise(SIGSTOP);
    kith::barrier(*world, "epoch 3, gradients");
  } catch (const kith::Error& e) {
    std::fprintf(stderr, "ROOT CAUSE rank %d: %s\n", world->rank().value(), e.what());
    world->abort(e.code());
  }
  return 0;
}
