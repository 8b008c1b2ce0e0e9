#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kith {

/// The element types of stored arrays. bf16 is stored as uint16 (NumPy has no bf16); int8 features carry
/// scales.
enum class DType : std::uint8_t { u8, i8, i16, u16, i32, u32, i64, u64, f16, bf16, f32, f64, boolean };

constexpr std::size_t size_of(DType type) {
  switch (type) {
    case DType::u8:
    case DType::i8:
    case DType::boolean: return 1;
    case DType::i16:
    case DType::u16:
    case DType::f16:
    case DType::bf16: return 2;
    case DType::i32:
    case DType::u32:
    case DType::f32: return 4;
    case DType::i64:
    case DType::u64:
    case DType::f64: return 8;
  }
  return 0;
}

/// "fp32", "int64", … as `meta.json` and messages spell them.
std::string_view name_of(DType type);

template <class T>
inline constexpr DType dtype_of = [] {
  static_assert(sizeof(T) == 0, "no DType for this C++ type");
  return DType::u8;
}();
template <>
inline constexpr DType dtype_of<std::uint8_t> = DType::u8;
template <>
inline constexpr DType dtype_of<std::int8_t> = DType::i8;
template <>
inline constexpr DType dtype_of<std::uint16_t> = DType::u16;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::i32;
template <>
inline constexpr DType dtype_of<std::uint32_t> = DType::u32;
template <>
inline constexpr DType dtype_of<std::int64_t> = DType::i64;
template <>
inline constexpr DType dtype_of<std::uint64_t> = DType::u64;
template <>
inline constexpr DType dtype_of<float> = DType::f32;
template <>
inline constexpr DType dtype_of<double> = DType::f64;

/// The value of one IEEE half, bfloat16 number.
float float_of_f16(std::uint16_t bits);
float float_of_bf16(std::uint16_t bits);
/// To the nearest, ties to even; a half is infinite from 65520 on.
std::uint16_t f16_of_float(float value);
std::uint16_t bf16_of_float(float value);

}  // namespace kith
