// kith-metis: maps the message that Kith left on descriptor 3, partitions it with METIS, and leaves. It is a
// program of its own because METIS ends the process on some inputs and its memory is the first to exceed a
// host's.
#include <csignal>
#include <cstdio>
#include <fstream>

#include <metis.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "kith/partition/metis_message.h"

static_assert(sizeof(idx_t) == sizeof(std::int32_t), "the message holds 32-bit numbers");

namespace {

using kith::MetisMessage;

MetisMessage* mapped_message() {
  struct stat file {};
  if (fstat(MetisMessage::kDescriptor, &file) != 0) return nullptr;
  const auto bytes = static_cast<std::size_t>(file.st_size);
  if (bytes < sizeof(MetisMessage)) return nullptr;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, MetisMessage::kDescriptor, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* message = static_cast<MetisMessage*>(memory);
  return message->magic == MetisMessage::kMagic && message->bytes() == bytes ? message : nullptr;
}

// When memory runs out, this process goes first; when Kith dies, this process follows.
void stand_in_front() {
  std::ofstream("/proc/self/oom_score_adj") << "1000";
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int run_metis(MetisMessage& message) {
  idx_t options[METIS_NOPTIONS];
  METIS_SetDefaultOptions(options);
  options[METIS_OPTION_OBJTYPE] = message.volume != 0 ? METIS_OBJTYPE_VOL : METIS_OBJTYPE_CUT;
  options[METIS_OPTION_SEED] = message.seed;
  options[METIS_OPTION_UFACTOR] = message.imbalance_permille;
  idx_t nodes = message.nodes, constraints = message.constraints > 0 ? message.constraints : 1;
  idx_t parts = message.parts, objective = 0;
  idx_t* weights = message.constraints > 0 ? message.vwgt() : nullptr;
  const int status =
      METIS_PartGraphKway(&nodes, &constraints, message.xadj(), message.adjncy(), weights, nullptr, nullptr,
                          &parts, nullptr, nullptr, options, &objective, message.part());
  message.cut = objective;
  return status;
}

MetisMessage::Answer answer_of(int status) {
  switch (status) {
    case METIS_OK: return MetisMessage::Answer::done;
    case METIS_ERROR_INPUT: return MetisMessage::Answer::bad_input;
    case METIS_ERROR_MEMORY: return MetisMessage::Answer::out_of_memory;
    default: return MetisMessage::Answer::failed;
  }
}

}  // namespace

int main() {
  stand_in_front();
  MetisMessage* message = mapped_message();
  if (message == nullptr) {
    std::fputs("kith-metis is started by kith partition; it takes no arguments\n", stderr);
    return 2;
  }
  message->answer = answer_of(run_metis(*message));
  return message->answer == MetisMessage::Answer::done ? 0 : 1;
}
