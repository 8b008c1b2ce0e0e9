#pragma once
#include <array>
#include <cstdint>
#include <mutex>
#include <string>

namespace kith {

/// The last operations of one rank on one communicator: a ring of fixed size that costs no allocation per
/// operation. Its text goes to the log when a peer is lost. Thread-safe.
class OperationLog {
 public:
  static constexpr int kKept = 32;

  /// Notes that an operation began; returns its sequence number (0, 1, …).
  std::int64_t start(const char* what, const char* kind, std::int64_t bytes, int peer);
  void complete(std::int64_t sequence);
  /// One line per kept operation, oldest first: "#17 halo exchange layer 1: receive of 4096 bytes, rank 1,
  /// under way".
  std::string text() const;

 private:
  struct Entry {
    std::int64_t sequence = -1;
    std::int64_t bytes = 0;
    const char* kind = "";  // a literal
    int peer = -1;
    bool complete = false;
    std::array<char, 48> what{};
  };
  mutable std::mutex mutex_;
  std::int64_t next_ = 0;
  std::array<Entry, kKept> entries_;
};

}  // namespace kith
