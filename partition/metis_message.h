#pragma once
#include <cstddef>
#include <cstdint>

namespace kith {

/// What Kith and its program kith-metis share: one memory file that holds this header and then the arrays of
/// METIS in its 32-bit width, `xadj [nodes + 1], adjncy [arcs], vwgt [nodes · constraints], part [nodes]`.
/// The program fills `part`, `cut` and `answer` in place.
struct MetisMessage {
  static constexpr std::uint64_t kMagic = 0x313053495445'4d4bu;  ///< "KMETIS01"
  static constexpr int kDescriptor = 3;                          ///< where the program finds the file

  enum class Answer : std::int32_t { none, done, bad_input, out_of_memory, failed };

  std::uint64_t magic = kMagic;
  std::int64_t arcs = 0;
  std::int32_t nodes = 0;
  std::int32_t constraints = 0;  ///< 0: every node weighs 1
  std::int32_t parts = 0;
  std::int32_t seed = 0;
  std::int32_t volume = 0;              ///< 1: minimise the communication volume
  std::int32_t imbalance_permille = 0;  ///< of every constraint
  std::int64_t cut = 0;
  Answer answer = Answer::none;
  std::int32_t reserved = 0;

  std::size_t bytes() const {
    const std::int64_t numbers = nodes + 1 + arcs + std::int64_t{nodes} * constraints + nodes;
    return sizeof(MetisMessage) + static_cast<std::size_t>(numbers) * sizeof(std::int32_t);
  }
  std::int32_t* xadj() { return reinterpret_cast<std::int32_t*>(this + 1); }
  std::int32_t* adjncy() { return xadj() + nodes + 1; }
  std::int32_t* vwgt() { return adjncy() + arcs; }
  std::int32_t* part() { return vwgt() + std::int64_t{nodes} * constraints; }
};
static_assert(sizeof(MetisMessage) == 56);

}  // namespace kith
