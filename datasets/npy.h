#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kith/core/array.h"
#include "kith/core/dtype.h"
#include "kith/core/error.h"
#include "kith/core/mapped_file.h"

namespace kith {

/// What the header of an `.npy` array says (NumPy format 1, 2 and 3).
struct NpyHeader {
  DType dtype = DType::f32;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;  ///< empty: a scalar
  std::size_t data_offset = 0;      ///< where the elements begin

  /// The product of the shape; parsing has checked that neither it nor `data_bytes` overflows.
  std::int64_t count() const;
  std::size_t data_bytes() const { return static_cast<std::size_t>(count()) * size_of(dtype); }
};

/// "fp32 [2708, 1433]", for messages.
std::string describe(const NpyHeader& header);

/// Reads a header and nothing behind it. `where` begins every message ("cora.npz: labels"). Throws InputError
/// on a wrong magic, an unknown version, a header that is cut off or is not the dictionary NumPy writes, an
/// element type that is no DType (big-endian, object, text, …), and a shape that is negative or whose size
/// overflows.
NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& where);

/// A parsed array over somebody else's bytes (a mapped file, a member of an `.npz`), which must outlive the
/// view.
struct NpyView {
  NpyHeader header;
  std::span<const std::byte> data;
  std::string where;  ///< for messages
  /// The mapped file that `data` lies in, aligned, to be kept where the elements are not copied; or null.
  std::shared_ptr<const MappedFile> file{};

  std::int64_t rows() const { return header.shape.empty() ? 1 : header.shape[0]; }
  /// The elements as they lie. Throws InputError when the type differs; needs aligned bytes, which mapped
  /// files and buffers have, members of a mapped `.npz` may not: `copied` works for all.
  template <class T>
  std::span<const T> values() const {
    expect_dtype(dtype_of<T>);
    require(reinterpret_cast<std::uintptr_t>(data.data()) % alignof(T) == 0, "npy: elements are aligned");
    return {reinterpret_cast<const T*>(data.data()), static_cast<std::size_t>(header.count())};
  }
  /// A copy with conversion: any integer or boolean type into std::int64_t; any type into float or double.
  /// Throws InputError where a value does not fit the type asked for.
  template <class T>
  Array<T> copied() const;

  void expect_dtype(DType dtype) const;
  /// Throws InputError unless it has this shape in C order; −1 stands for any length.
  void expect_shape(std::initializer_list<std::int64_t> shape) const;
};

/// Parses a whole array and checks that the elements the header promises are exactly the bytes that follow
/// it.
NpyView parse_npy(std::span<const std::byte> bytes, const std::string& where);

/// The header NumPy would write for a C-ordered array, padded so that the elements begin at a multiple of 64.
std::string npy_header(DType dtype, std::span<const std::int64_t> shape);

}  // namespace kith
