#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace kith {

/// Memory that processes of one host map, each at an address of its own. It goes with the last one that has
/// it mapped, so a killed job leaves nothing behind.
class SharedMemory {
 public:
  /// By what others find it while its maker has not hidden it.
  struct Name {
    std::int64_t process = -1;
    std::int64_t file = -1;
    std::int64_t bytes = 0;
  };

  /// Zeros, reserved: writing to them cannot fail later. Null when the system has no room.
  static std::unique_ptr<SharedMemory> make(std::size_t bytes);
  /// Null when this process cannot map it.
  static std::unique_ptr<SharedMemory> open(const Name& name);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return static_cast<std::size_t>(name_.bytes); }
  const Name& name() const { return name_; }
  /// Nobody else finds it from now on.
  void hide();

 private:
  SharedMemory(std::byte* data, const Name& name) : data_(data), name_(name) {}
  std::byte* data_;
  Name name_;
  bool made_ = false;  // here, and not hidden
};

}  // namespace kith
