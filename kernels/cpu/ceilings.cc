#include "kith/kernels/ceilings.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

#include <hwy/cache_control.h>

#include "kith/core/array.h"
#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/ceilings.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// Rows are prefetched as in SpMM. Every loop does the least work per byte or per instruction that still
// depends on all of them.
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;

float read_stream(const float* x, std::int64_t count) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(Tag()));
  auto a = hn::Zero(Tag()), b = a, c = a, d = a;
  for (std::int64_t i = 0; i + 4 * lanes <= count; i += 4 * lanes) {
    a = hn::Add(a, hn::LoadU(Tag(), x + i));
    b = hn::Add(b, hn::LoadU(Tag(), x + i + lanes));
    c = hn::Add(c, hn::LoadU(Tag(), x + i + 2 * lanes));
    d = hn::Add(d, hn::LoadU(Tag(), x + i + 3 * lanes));
  }
  return hn::GetLane(hn::SumOfLanes(Tag(), hn::Add(hn::Add(a, b), hn::Add(c, d))));
}

void copy_stream(const float* x, std::int64_t count, float* y) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(Tag()));
  for (std::int64_t i = 0; i + lanes <= count; i += lanes) hn::Stream(hn::LoadU(Tag(), x + i), Tag(), y + i);
  hwy::FlushStream();
}

float gather(const float* table, std::int64_t width, const std::int32_t* rows, std::int64_t count) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(Tag()));
  const std::int64_t ahead = std::clamp<std::int64_t>(8192 / width, 32, 128), near = 8;
  auto a = hn::Zero(Tag()), b = a;
  for (std::int64_t i = 0; i < count; ++i) {
    const float* later = table + width * rows[std::min(i + ahead, count - 1)];
    for (std::int64_t j = 0; j < width; j += 16) __builtin_prefetch(later + j, 0, 2);
    const float* soon = table + width * rows[std::min(i + near, count - 1)];
    for (std::int64_t j = 0; j < width && width <= 64; j += 16) hwy::Prefetch(soon + j);
    const float* row = table + width * rows[i];
    for (std::int64_t j = 0; j < width; j += 2 * lanes) {
      a = hn::Add(a, hn::LoadU(Tag(), row + j));
      if (j + lanes < width) b = hn::Add(b, hn::LoadU(Tag(), row + j + lanes));
    }
  }
  return hn::GetLane(hn::SumOfLanes(Tag(), hn::Add(a, b)));
}

float multiply_add(std::int64_t rounds) {
  // A scalar build has few registers, the others at least 16.
  constexpr int kChains = 12;
  hn::Vec<Tag> sum[kChains];
  for (int c = 0; c < kChains; ++c) sum[c] = hn::Set(Tag(), static_cast<float>(c));
  const auto factor = hn::Set(Tag(), 0.5f), term = hn::Set(Tag(), 1.0f);
  for (std::int64_t r = 0; r < rounds; ++r)
    for (int c = 0; c < kChains; ++c) sum[c] = hn::MulAdd(sum[c], factor, term);
  for (int c = 1; c < kChains; ++c) sum[0] = hn::Add(sum[0], sum[c]);
  return hn::GetLane(hn::SumOfLanes(Tag(), sum[0]));
}

double operations_per_round() { return 2.0 * 12 * static_cast<double>(hn::Lanes(Tag())); }

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {
namespace {

HWY_EXPORT(read_stream);
HWY_EXPORT(copy_stream);
HWY_EXPORT(gather);
HWY_EXPORT(multiply_add);
HWY_EXPORT(operations_per_round);

constexpr int kRuns = 7;
constexpr std::int64_t kChunk = 1 << 18;  ///< floats

/// Keeps a result alive that nobody reads.
void keep(float value) {
  static std::atomic<float> kept;
  kept.store(value, std::memory_order_relaxed);
}

template <class Work>
double fewest_seconds(Work&& work) {
  double best = 1e300;
  for (int run = 0; run <= kRuns; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    if (run > 0) best = std::min(best, taken.count());
  }
  return best;
}

std::int64_t floats_in(std::int64_t bytes) {
  return std::max<std::int64_t>(bytes / (kChunk * 4), 1) * kChunk;
}

std::vector<std::int32_t> random_rows(std::int64_t table_rows, std::int64_t count) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(count));
  parallel_for(0, count, kChunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint64_t word = draw_words({1, 2}, StoreId(i), 0, 0)[0];
      rows[i] = static_cast<std::int32_t>(word * static_cast<std::uint64_t>(table_rows) >> 32);
    }
  });
  return rows;
}

}  // namespace

double stream_read_ceiling(std::int64_t bytes) {
  const Array<float> x(static_cast<std::size_t>(floats_in(bytes)), 1.0f);
  const double seconds = fewest_seconds([&] {
    parallel_for(0, x.ssize(), kChunk, [&](std::int64_t begin, std::int64_t end) {
      keep(HWY_DYNAMIC_DISPATCH(read_stream)(x.data() + begin, end - begin));
    });
  });
  return static_cast<double>(x.size()) * 4 / seconds;
}

double stream_copy_ceiling(std::int64_t bytes) {
  const Array<float> x(static_cast<std::size_t>(floats_in(bytes)), 1.0f);
  Array<float> y(x.size(), 0.0f);
  const double seconds = fewest_seconds([&] {
    parallel_for(0, x.ssize(), kChunk, [&](std::int64_t begin, std::int64_t end) {
      HWY_DYNAMIC_DISPATCH(copy_stream)(x.data() + begin, end - begin, y.data() + begin);
    });
  });
  return static_cast<double>(x.size()) * 8 / seconds;
}

double gather_ceiling(std::int64_t table_bytes, std::int64_t row_bytes) {
  require(row_bytes > 0 && row_bytes % 64 == 0, "gather_ceiling: rows are whole cache lines",
          {{"row_bytes", row_bytes}});
  const std::int64_t table_rows = std::max<std::int64_t>(table_bytes / row_bytes, 1), width = row_bytes / 4;
  const Array<float> table(static_cast<std::size_t>(table_rows * width), 1.0f);
  const auto rows = random_rows(table_rows, std::max<std::int64_t>((std::int64_t{1} << 30) / row_bytes, 1));
  const auto count = static_cast<std::int64_t>(rows.size());
  const double seconds = fewest_seconds([&] {
    parallel_for(0, count, 65536, [&](std::int64_t begin, std::int64_t end) {
      keep(HWY_DYNAMIC_DISPATCH(gather)(table.data(), width, rows.data() + begin, end - begin));
    });
  });
  return static_cast<double>(count * row_bytes) / seconds;
}

double flop_ceiling() {
  constexpr std::int64_t kRounds = 1'000'000;
  const std::int64_t tasks = 4 * thread_count();
  const double seconds = fewest_seconds([&] {
    parallel_for(0, tasks, 1,
                 [&](std::int64_t, std::int64_t) { keep(HWY_DYNAMIC_DISPATCH(multiply_add)(kRounds)); });
  });
  return static_cast<double>(tasks * kRounds) * HWY_DYNAMIC_DISPATCH(operations_per_round)() / seconds;
}

}  // namespace kith
#endif
