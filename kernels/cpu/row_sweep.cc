#include "kith/kernels/cpu/row_sweep.h"

#include <algorithm>

#include "kith/core/array.h"
#include "kith/core/parallel.h"

namespace kith {
namespace {

/// Small graphs get smaller chunks, so that all threads have some; 64 of them, or chunks of 64 Ki.
std::int64_t chunk_cost(CsrView<std::int32_t> a, std::span<const std::int32_t> rows) {
  return std::clamp<std::int64_t>((a.m() + RowChunks::kRowCost * positions(a, rows)) / 64, 2048, 65536);
}

std::int64_t pieces_of(std::int64_t degree) { return (degree + RowSweep::kPiece - 1) / RowSweep::kPiece; }

}  // namespace

RowSweep::RowSweep(CsrView<std::int32_t> a, std::span<const std::int32_t> rows)
    : a_(a), rows_(rows), chunks_(a, rows, chunk_cost(a, rows)) {
  for (std::int64_t i = 0; i < positions(a, rows); ++i)
    if (a.degree(row_at(rows, i)) > kPiece) hubs_.push_back(row_at(rows, i));
}

void RowSweep::run_chunk(std::int64_t chunk, const std::function<void(const SweepTask&)>& body) const {
  const std::int64_t end = chunks_.end(chunk);
  std::int64_t begin = chunks_.begin(chunk);
  for (std::int64_t i = begin; i <= end; ++i) {
    if (i < end && a_.degree(row_at(rows_, i)) <= kPiece) continue;
    if (i > begin) body({.begin = begin, .end = i, .slot = chunk});
    begin = i + 1;
  }
}

void RowSweep::run_hubs(std::int64_t state_size, const std::function<void(const SweepTask&)>& body) const {
  std::vector<SweepTask> pieces, hubs;
  for (const std::int64_t row : hubs_) {
    const std::int64_t begin = a_.indptr[row], end = a_.indptr[row + 1];
    hubs.push_back({.kind = SweepTask::Kind::hub,
                    .row = row,
                    .pieces = pieces_of(end - begin),
                    .slot = chunks_.count() + static_cast<std::int64_t>(hubs.size())});
    for (std::int64_t e = begin; e < end; e += kPiece)
      pieces.push_back(
          {.kind = SweepTask::Kind::piece, .begin = e, .end = std::min(e + kPiece, end), .row = row});
  }
  Array<float> states(pieces.size() * static_cast<std::size_t>(state_size));
  float* next = states.data();
  for (SweepTask& hub : hubs) {
    hub.states = next;
    next += hub.pieces * state_size;
  }
  for (std::size_t p = 0; p < pieces.size(); ++p)
    pieces[p].states = states.data() + p * static_cast<std::size_t>(state_size);
  for (const auto* tasks : {&pieces, &hubs})
    parallel_for(0, static_cast<std::int64_t>(tasks->size()), 1,
                 [&](std::int64_t i, std::int64_t) { body((*tasks)[static_cast<std::size_t>(i)]); });
}

void RowSweep::run(std::int64_t state_size, const std::function<void(const SweepTask&)>& body) const {
  parallel_for(0, chunks_.count(), 1, [&](std::int64_t chunk, std::int64_t) { run_chunk(chunk, body); });
  if (!hubs_.empty()) run_hubs(state_size, body);
}

}  // namespace kith
