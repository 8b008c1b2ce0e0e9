#pragma once
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace kith {

/// Which of the buffers that a thread makes one behind the other a device keeps, when it has no room for all:
/// decided beforehand, for a training step makes the same ones every time.
class BufferPlacement {
 public:
  struct Place {
    std::size_t bytes = 0;
    bool on_device = false;
  };
  BufferPlacement() = default;
  /// `lasting`: what is made once, in the first step, and stays.
  explicit BufferPlacement(std::vector<Place> places, std::vector<Place> lasting = {})
      : places_(std::move(places)), lasting_(std::move(lasting)) {}

  /// Of the next buffer. One that was not foreseen is told by its size: a few foreseen ones may have been
  /// left out; else nothing.
  std::optional<bool> next(std::size_t bytes);
  void begin() { next_ = 0; }
  const std::vector<Place>& places() const { return places_; }

  /// This thread's, or null.
  static BufferPlacement* current();

 private:
  std::vector<Place> places_, lasting_;
  std::size_t next_ = 0;
};

/// As long as it lives, `placement` (null: none) counts for the buffers of this thread, from its beginning
/// on.
class UsePlacement {
 public:
  explicit UsePlacement(BufferPlacement* placement);
  UsePlacement(const UsePlacement&) = delete;
  UsePlacement& operator=(const UsePlacement&) = delete;
  ~UsePlacement();

 private:
  BufferPlacement* outer_;
};

/// As long as it lives, the buffers that this thread makes are such as stay behind the step.
class LastingBuffers {
 public:
  LastingBuffers();
  LastingBuffers(const LastingBuffers&) = delete;
  LastingBuffers& operator=(const LastingBuffers&) = delete;
  ~LastingBuffers();

 private:
  bool outer_;
};

}  // namespace kith
