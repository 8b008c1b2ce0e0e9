#include "kith/cli/verb.h"
#include "kith/core/error.h"

namespace kith::cli {

void run_train(Communicator&, const Invocation&) { throw Error("training is not linked"); }

}  // namespace kith::cli
