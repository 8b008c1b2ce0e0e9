#pragma once
#include "kith/core/error.h"

namespace kith::cli {

/// The whole program: parses, runs the verb and prints its failure, if any. Returns the exit code.
ExitCode run_program(int& argc, char**& argv);

}  // namespace kith::cli
