#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <type_traits>

#include "kith/core/buffer.h"
#include "kith/core/device_memory.h"

namespace kith {

/// An owned array of trivial elements whose size is fixed at construction and whose content is not
/// initialised unless a value is given. Moves, never copies silently (`copy_of`). Elements of an array that
/// lies on a device (`on_host()` is false) are for kernels and `copy_values` alone.
template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  using value_type = T;
  Array() = default;
  explicit Array(std::size_t size) : buffer_(size * sizeof(T)), size_(size) {}
  Array(std::size_t size, T value) : Array(size) { fill(value); }
  Array(std::initializer_list<T> values) : Array(values.size()) {
    copy_bytes(data(), values.begin(), values.size() * sizeof(T));
  }
  Array(Array&& other) noexcept : buffer_(std::move(other.buffer_)), size_(std::exchange(other.size_, 0)) {}
  Array& operator=(Array&& other) noexcept {
    std::swap(buffer_, other.buffer_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::size_t size() const { return size_; }
  std::int64_t ssize() const { return static_cast<std::int64_t>(size_); }
  bool empty() const { return size_ == 0; }
  T* data() { return reinterpret_cast<T*>(buffer_.data()); }
  const T* data() const { return reinterpret_cast<const T*>(buffer_.data()); }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  template <class I>
  T& operator[](I i) {
    return data()[i];
  }
  template <class I>
  const T& operator[](I i) const {
    return data()[i];
  }
  T& back() { return data()[size_ - 1]; }
  const T& back() const { return data()[size_ - 1]; }
  std::span<T> span() { return {data(), size_}; }
  std::span<const T> span() const { return {data(), size_}; }

  bool on_host() const { return buffer_.device() == nullptr; }

  /// Nobody writes or reads it: see Buffer.
  bool untouched() const { return buffer_.untouched(); }

  /// Every element becomes `value`.
  void fill(T value) {
    if (buffer_.untouched()) return;
    if (on_host()) {
      std::fill(begin(), end(), value);
    } else if (const T zero{}; std::memcmp(&value, &zero, sizeof(T)) == 0) {
      clear_bytes(data(), size_ * sizeof(T));
    } else {
      const UseMemory host(nullptr);
      const Array values(size_, value);
      copy_bytes(data(), values.data(), size_ * sizeof(T));
    }
  }

  /// Forgets the elements behind `size` (≤ the present size); the storage stays.
  void shrink(std::size_t size) { size_ = size; }

 private:
  Buffer buffer_;
  std::size_t size_ = 0;
};

/// to = from, wherever they lie.
template <class T>
void copy_values(std::span<const T> from, std::span<T> to) {
  copy_bytes(to.data(), from.data(), from.size() * sizeof(T));
}

/// Where new buffers lie at present.
template <class T>
Array<std::remove_const_t<T>> copy_of(std::span<T> values) {
  using Element = std::remove_const_t<T>;
  Array<Element> copy(values.size());
  if (!copy.untouched()) copy_values(std::span<const Element>(values), copy.span());
  return copy;
}
/// The values on the host.
template <class T>
Array<T> host_copy_of(std::span<const T> values) {
  const UseMemory host(nullptr);
  return copy_of(values);
}
template <class T>
Array<T> copy_of(const Array<T>& values) {
  return copy_of(values.span());
}

}  // namespace kith
