#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <type_traits>

#include "kith/core/buffer.h"

namespace kith {

/// An owned array of trivial elements whose size is fixed at construction and whose content is not
/// initialised unless a value is given. Moves, never copies silently (`copy_of`).
template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  using value_type = T;
  Array() = default;
  explicit Array(std::size_t size) : buffer_(size * sizeof(T)), size_(size) {}
  Array(std::size_t size, T value) : Array(size) {
    if (!buffer_.untouched()) std::fill(begin(), end(), value);
  }
  Array(std::initializer_list<T> values) : Array(values.size()) {
    std::copy(values.begin(), values.end(), begin());
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

  /// Nobody writes or reads it: see Buffer.
  bool untouched() const { return buffer_.untouched(); }

  /// Forgets the elements behind `size` (≤ the present size); the storage stays.
  void shrink(std::size_t size) { size_ = size; }

 private:
  Buffer buffer_;
  std::size_t size_ = 0;
};

template <class T>
Array<std::remove_const_t<T>> copy_of(std::span<T> values) {
  Array<std::remove_const_t<T>> copy(values.size());
  if (!copy.untouched()) std::copy(values.begin(), values.end(), copy.begin());
  return copy;
}
template <class T>
Array<T> copy_of(const Array<T>& values) {
  return copy_of(values.span());
}

}  // namespace kith
