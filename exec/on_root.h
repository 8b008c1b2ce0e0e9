#pragma once
#include <functional>

#include "kith/comm/communicator.h"

namespace kith {

/// Runs `work` on rank 0 while the others wait; when it throws an Error, every rank throws the same.
/// Collective.
void run_on_root(Communicator& comm, const char* what, const std::function<void()>& work);

/// Runs `work`, which calls nothing collective, on every rank; when it throws an Error on any, every rank
/// throws the first rank's. Collective.
void run_on_each(Communicator& comm, const char* what, const std::function<void()>& work);

}  // namespace kith
