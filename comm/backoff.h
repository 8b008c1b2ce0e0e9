#pragma once

namespace kith {

/// What a waiting loop does between two tests: spins a little, then gives the core away (MPICH's own waits
/// never do, so that more ranks than cores cost a scheduler tick per message), then sleeps briefly.
class Backoff {
 public:
  /// `crowded`: this host has more ranks than this process has cores.
  explicit Backoff(bool crowded) : spins_(crowded ? 4 : 200), yields_(crowded ? 200 : 20000) {}
  void pause();
  void reset() { count_ = 0; }
  bool spinning() const { return count_ <= spins_; }

 private:
  int spins_;
  int yields_;
  int count_ = 0;
};

}  // namespace kith
