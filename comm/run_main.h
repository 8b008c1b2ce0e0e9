#pragma once
#include <functional>

#include "kith/comm/communicator.h"

namespace kith {

/// The whole of a program's `main` under mpiexec or srun: starts MPI, gives this rank its share of the host's
/// cores as threads, runs body(world) and returns the exit code. What `body` throws is printed as the job's
/// last word and ends it, so that no other rank waits.
int run_main(int argc, char** argv, const std::function<void(Communicator&)>& body);

}  // namespace kith
