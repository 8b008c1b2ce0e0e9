#include "kith/cli/program.h"

int main(int argc, char** argv) { return static_cast<int>(kith::cli::run_program(argc, argv)); }
