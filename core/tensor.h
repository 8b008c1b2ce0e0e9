#pragma once
#include <cstdint>
#include <type_traits>

#include "kith/core/array.h"
#include "kith/core/error.h"

namespace kith {

/// A non-owning view of a row-major matrix; consecutive rows are `stride` elements apart.
template <class T>
struct BasicTensor {
  T* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;

  BasicTensor() = default;
  BasicTensor(T* d, std::int64_t r, std::int64_t c) : BasicTensor(d, r, c, c) {}
  BasicTensor(T* d, std::int64_t r, std::int64_t c, std::int64_t s) : data(d), rows(r), cols(c), stride(s) {}
  /// A view of const elements from one of mutable ones.
  template <class U>
  requires(std::is_same_v<const U, T>) BasicTensor(const BasicTensor<U>& other)
      : BasicTensor(other.data, other.rows, other.cols, other.stride) {}

  T* row(std::int64_t i) const { return data + i * stride; }
  T& operator()(std::int64_t i, std::int64_t j) const { return data[i * stride + j]; }
  std::int64_t size() const { return rows * cols; }
  bool contiguous() const { return stride == cols; }
  /// Rows [begin, end).
  BasicTensor row_range(std::int64_t begin, std::int64_t end) const {
    require(0 <= begin && begin <= end && end <= rows, "row_range lies inside the tensor",
            {{"begin", begin}, {"end", end}, {"rows", rows}});
    return {data + begin * stride, end - begin, cols, stride};
  }
};
using Tensor = BasicTensor<float>;
using ConstTensor = BasicTensor<const float>;

/// An owned, contiguous fp32 matrix; uninitialised unless a value is given.
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::int64_t rows, std::int64_t cols)
      : values_(static_cast<std::size_t>(rows * cols)), rows_(rows), cols_(cols) {}
  Matrix(std::int64_t rows, std::int64_t cols, float value) : Matrix(rows, cols) { values_.fill(value); }
  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  std::int64_t size() const { return rows_ * cols_; }
  float* data() { return values_.data(); }
  const float* data() const { return values_.data(); }
  float& operator()(std::int64_t i, std::int64_t j) { return values_[i * cols_ + j]; }
  float operator()(std::int64_t i, std::int64_t j) const { return values_[i * cols_ + j]; }
  Tensor view() { return {data(), rows_, cols_}; }
  ConstTensor view() const { return {data(), rows_, cols_}; }
  operator Tensor() { return view(); }
  operator ConstTensor() const { return view(); }
  std::span<float> span() { return values_.span(); }
  std::span<const float> span() const { return values_.span(); }
  bool on_host() const { return values_.on_host(); }
  /// Of all elements, where new buffers lie at present.
  friend Matrix copy_of(const Matrix& m) {
    Matrix copy;
    copy.values_ = copy_of(m.values_);
    copy.rows_ = m.rows_;
    copy.cols_ = m.cols_;
    return copy;
  }

 private:
  Array<float> values_;
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
};

}  // namespace kith
