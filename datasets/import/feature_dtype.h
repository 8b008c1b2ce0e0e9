#pragma once
#include "kith/datasets/import/raw_dataset.h"

namespace kith {

/// Element i (row · cols + column) of held features, scales applied.
inline float feature_value(const RawFeatures& features, std::int64_t i) {
  if (features.dtype == DType::f32) return reinterpret_cast<const float*>(features.data())[i];
  if (features.dtype == DType::i8)
    return features.scales[i / features.cols] *
           static_cast<float>(reinterpret_cast<const std::int8_t*>(features.data())[i]);
  const std::uint16_t bits = reinterpret_cast<const std::uint16_t*>(features.data())[i];
  return features.dtype == DType::f16 ? float_of_f16(bits) : float_of_bf16(bits);
}

/// Held features as another type: fp32, fp16 and bf16 rounded to nearest even; int8 with a scale per row,
/// largest |value| / 127. Throws InputError with row and column where a value does not fit fp16. `where`
/// begins the message.
void convert_features(RawFeatures& features, DType type, const std::string& where);

}  // namespace kith
