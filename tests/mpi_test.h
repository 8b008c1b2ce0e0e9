#pragma once
#include "kith/comm/communicator.h"

namespace kith::test {

/// The ranks of a program with the main of mpi_main.cc: a communicator that is fresh for every test, so that
/// the messages of a failed test do not reach the next. Its no-progress limit is 20 s.
Communicator& world();

}  // namespace kith::test
