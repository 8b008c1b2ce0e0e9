#include "kith/datasets/npy.h"

#include <cstring>
#include <utility>

#include "kith/core/parallel.h"

namespace kith {
namespace {

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw InputError(where + ": " + what);
}

template <class T>
T element(const std::byte* data, std::int64_t i) {
  T value;
  std::memcpy(&value, data + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

struct Half {
  std::uint16_t bits;
  explicit operator float() const { return float_of_f16(bits); }
  explicit operator double() const { return float_of_f16(bits); }
};

struct Brain {
  std::uint16_t bits;
  explicit operator float() const { return float_of_bf16(bits); }
  explicit operator double() const { return float_of_bf16(bits); }
};

constexpr std::int64_t kGrain = 1 << 16;

template <class From, class To>
void convert(const NpyView& view, Array<To>& out) {
  parallel_for(0, out.ssize(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const From value = element<From>(view.data.data(), i);
      if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) {
        if (!std::in_range<To>(value)) {
          fail(view.where, "element " + std::to_string(i) + " is " + std::to_string(value) + ", too large");
        }
      }
      out[i] = static_cast<To>(value);
    }
  });
}

}  // namespace

NpyView parse_npy(std::span<const std::byte> bytes, const std::string& where) {
  NpyHeader header = parse_npy_header(bytes, where);
  const std::size_t found = bytes.size() - header.data_offset;
  if (found != header.data_bytes()) {
    fail(where, (found < header.data_bytes() ? "cut off: " : "too long: ") + describe(header) + " needs " +
                    std::to_string(header.data_bytes()) + " bytes of elements, there are " +
                    std::to_string(found));
  }
  return {header, bytes.subspan(header.data_offset), where};
}

void NpyView::expect_dtype(DType dtype) const {
  if (header.dtype == dtype) return;
  fail(where, "element type " + std::string(name_of(header.dtype)) + " where " + std::string(name_of(dtype)) +
                  " is expected");
}

void NpyView::expect_shape(std::initializer_list<std::int64_t> shape) const {
  bool equal = header.shape.size() == shape.size() && !(header.fortran_order && shape.size() > 1);
  for (std::size_t i = 0; equal && i < shape.size(); ++i) {
    equal = shape.begin()[i] < 0 || shape.begin()[i] == header.shape[i];
  }
  if (equal) return;
  std::string expected;
  for (const std::int64_t length : shape) {
    expected += (expected.empty() ? "" : ", ") + (length < 0 ? "any" : std::to_string(length));
  }
  fail(where, describe(header) + " where the shape [" + expected + "] is expected");
}

template <class T>
Array<T> NpyView::copied() const {
  Array<T> out(static_cast<std::size_t>(header.count()));
  switch (header.dtype) {
    case DType::u8:
    case DType::boolean: convert<std::uint8_t>(*this, out); return out;
    case DType::i8: convert<std::int8_t>(*this, out); return out;
    case DType::i16: convert<std::int16_t>(*this, out); return out;
    case DType::u16: convert<std::uint16_t>(*this, out); return out;
    case DType::i32: convert<std::int32_t>(*this, out); return out;
    case DType::u32: convert<std::uint32_t>(*this, out); return out;
    case DType::i64: convert<std::int64_t>(*this, out); return out;
    case DType::u64: convert<std::uint64_t>(*this, out); return out;
    default: break;
  }
  if constexpr (std::is_floating_point_v<T>) {
    switch (header.dtype) {
      case DType::f16: convert<Half>(*this, out); return out;
      case DType::bf16: convert<Brain>(*this, out); return out;
      case DType::f32: convert<float>(*this, out); return out;
      case DType::f64: convert<double>(*this, out); return out;
      default: break;
    }
  }
  fail(where, describe(header) + " where integers are expected");
}
template Array<std::int64_t> NpyView::copied() const;
template Array<float> NpyView::copied() const;
template Array<double> NpyView::copied() const;

}  // namespace kith
