#include "kith/exec/on_root.h"

#include <array>
#include <optional>
#include <string>

#include "kith/comm/failure.h"

namespace kith {
namespace {

[[noreturn]] void throw_again(const Failure& failure) {
  switch (failure.code) {
    case ExitCode::bad_input: throw InputError(failure.message);
    case ExitCode::out_of_memory: throw MemoryError(failure.message);
    case ExitCode::peer_lost: throw PeerError(failure.message);
    case ExitCode::corrupt: throw CorruptError(failure.message);
    default: throw Error(failure.message, failure.code);
  }
}

}  // namespace

void run_on_root(Communicator& comm, const char* what, const std::function<void()>& work) {
  std::optional<Failure> failure;
  if (comm.rank() == Rank{0}) failure = failure_of(work);
  std::array<std::int64_t, 2> head{};
  if (failure)
    head = {static_cast<std::int64_t>(failure->code), static_cast<std::int64_t>(failure->message.size())};
  broadcast(comm, std::as_writable_bytes(std::span(head)), Rank{0}, what);
  if (head[0] == 0) return;
  std::string message = failure ? failure->message : std::string(static_cast<std::size_t>(head[1]), ' ');
  broadcast(comm, std::as_writable_bytes(std::span(message.data(), message.size())), Rank{0}, what);
  throw_again({static_cast<ExitCode>(head[0]), message});
}

}  // namespace kith
