#pragma once
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

namespace kith {

/// Limits all parallel loops of the process to `threads` for as long as it lives (oneTBB is the only pool).
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  struct Control;
  std::unique_ptr<Control> control_;
};

/// The threads a loop started now may use.
int thread_count();

namespace detail {
using ChunkCall = void (*)(void* body, std::int64_t begin, std::int64_t end);
void for_chunks(std::int64_t begin, std::int64_t end, std::int64_t grain, ChunkCall call, void* body);
}  // namespace detail

/// Calls body(chunk_begin, chunk_end) for the chunks of `grain` that tile [begin, end), in parallel, in any
/// order. The chunks do not depend on the number of threads. An exception of a body is thrown to the caller.
template <class Body>
void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain, Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  auto call = [](void* b, std::int64_t chunk_begin, std::int64_t chunk_end) {
    (*static_cast<Plain*>(b))(chunk_begin, chunk_end);
  };
  detail::for_chunks(begin, end, grain, call, const_cast<void*>(static_cast<const void*>(&body)));
}

/// combine(…combine(identity, map(chunk 0))…, map(last chunk)): chunks are mapped in parallel and combined in
/// order, so the result has the same bits for any number of threads.
template <class T, class Map, class Combine>
T parallel_reduce(std::int64_t begin, std::int64_t end, std::int64_t grain, T identity, Map&& map,
                  Combine&& combine) {
  if (begin >= end) return identity;
  struct Partial {  // of its own address, which a bool in a std::vector<bool> has not
    T value;
  };
  std::vector<Partial> partial(static_cast<std::size_t>((end - begin + grain - 1) / grain),
                               Partial{identity});
  parallel_for(begin, end, grain, [&](std::int64_t chunk_begin, std::int64_t chunk_end) {
    partial[static_cast<std::size_t>((chunk_begin - begin) / grain)].value = map(chunk_begin, chunk_end);
  });
  for (const Partial& chunk : partial) identity = combine(identity, chunk.value);
  return identity;
}

/// Exclusive prefix sum in place over `count` values; returns the total. Parallel, exact for integers.
std::int64_t exclusive_prefix_sum(std::int64_t* values, std::int64_t count);

}  // namespace kith
