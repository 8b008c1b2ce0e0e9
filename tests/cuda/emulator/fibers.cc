// The threads of a block take turns as fibers: one runs until it must wait for others, and then the next.
// When all of them wait and none goes on, lanes of a shuffle's mask have parted ways, which a device would
// hang on or answer wrongly: the program ends there.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

#include "cuda_emulator.h"
#include "device_pages.h"
#include <ucontext.h>

namespace kith::emulated {

thread_local Place place;

namespace {

constexpr std::size_t kStackBytes = 64 << 10;

struct Fiber {
  jmp_buf where;
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  bool started = false, done = false;
};

/// Those who wait for each other.
struct Meeting {
  unsigned arrived = 0;
  std::uint64_t round = 0;
};

struct Warp {
  std::map<unsigned, Meeting> meetings;  // by mask
  std::uint64_t slots[32] = {};
};

struct Block {
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  Meeting all;
  unsigned running = 0, alive = 0;
  std::uint64_t progress = 0;
  jmp_buf scheduler;
  const std::function<void()>* body = nullptr;
};

thread_local Block block;

Fiber& current() { return block.fibers[block.running]; }
Warp& warp() { return block.warps[block.running / 32]; }

void yield() {
  if (_setjmp(current().where) == 0) _longjmp(block.scheduler, 1);
}

void wait_for(Meeting& meeting, unsigned wanted) {
  const std::uint64_t round = meeting.round;
  ++block.progress;
  if (++meeting.arrived == wanted) {
    meeting.arrived = 0;
    ++meeting.round;
    return;
  }
  while (meeting.round == round) yield();
}

void run_fiber() {
  (*block.body)();
  current().done = true;
  --block.alive;
  ++block.progress;
  yield();
}

/// Runs fiber `running` until it yields. A context is only used to begin on a stack of its own: switching
/// contexts asks the system for signal masks, and jumps do not.
void resume() {
  Fiber& fiber = current();
  if (_setjmp(block.scheduler) != 0) return;
  if (fiber.started) _longjmp(fiber.where, 1);
  fiber.started = true;
  ucontext_t fresh{};
  getcontext(&fresh);
  fresh.uc_stack = {fiber.stack.get(), 0, kStackBytes};
  fresh.uc_link = nullptr;
  makecontext(&fresh, run_fiber, 0);
  setcontext(&fresh);
}

void run_block(unsigned threads) {
  for (unsigned t = 0; t < threads; ++t) block.fibers[t].started = block.fibers[t].done = false;
  for (Warp& w : block.warps) w.meetings.clear();
  block.all = {};
  block.alive = threads;
  while (block.alive > 0) {
    const std::uint64_t before = block.progress;
    for (unsigned t = 0; t < threads; ++t) {
      if (block.fibers[t].done) continue;
      block.running = t;
      place.thread.x = t;
      resume();
    }
    if (block.progress != before) continue;
    std::fprintf(stderr, "emulated kernel: lanes wait for others that do not come\n");
    std::abort();
  }
}

}  // namespace

void meet_lanes(unsigned mask) {
  wait_for(warp().meetings[mask], static_cast<unsigned>(__builtin_popcount(mask)));
}
void meet_block() { wait_for(block.all, block.alive); }
std::uint64_t& lane_slot(unsigned lane) { return warp().slots[lane]; }

void run(CudaDevice&, dim3 blocks, dim3 threads, const std::function<void()>& body) {
  const OpenPages open;
  if (block.fibers.size() < threads.x) block.fibers = std::vector<Fiber>(threads.x);
  block.warps.resize((threads.x + 31) / 32);
  block.body = &body;
  place.threads = threads;
  place.blocks = blocks;
  for (place.block.z = 0; place.block.z < blocks.z; ++place.block.z)
    for (place.block.y = 0; place.block.y < blocks.y; ++place.block.y)
      for (place.block.x = 0; place.block.x < blocks.x; ++place.block.x) run_block(threads.x);
}

}  // namespace kith::emulated
