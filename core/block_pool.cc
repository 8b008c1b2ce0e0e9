#include "kith/core/block_pool.h"

#include <algorithm>
#include <utility>

#include "kith/core/buffer.h"

namespace kith {

std::byte* BlockPool::take(std::size_t bytes) {
  auto best = waiting_.end();
  // Of equal ones the last, whose pages are the likeliest to be in a cache.
  for (auto block = waiting_.begin(); block != waiting_.end(); ++block)
    if (block->bytes >= bytes && block->bytes <= 2 * bytes &&
        (best == waiting_.end() || block->bytes <= best->bytes))
      best = block;
  if (best == waiting_.end()) return nullptr;
  const Block block = *best;
  waiting_.erase(best);
  waiting_bytes_ -= block.bytes;
  add(block.data, block.bytes);
  return block.data;
}

std::vector<BlockPool::Block> BlockPool::make_room(std::size_t bytes) {
  const std::size_t most = std::max(allowed(), in_use_ + bytes);
  auto first_to_stay = waiting_.begin();
  while (first_to_stay != waiting_.end() && in_use_ + bytes + waiting_bytes_ > most)
    waiting_bytes_ -= (first_to_stay++)->bytes;
  std::vector<Block> gone(waiting_.begin(), first_to_stay);
  waiting_.erase(waiting_.begin(), first_to_stay);
  return gone;
}

void BlockPool::add(std::byte* data, std::size_t bytes) {
  used_.emplace(data, bytes);
  in_use_ += bytes;
  most_in_use_ = std::max(most_in_use_, in_use_);
}

std::vector<BlockPool::Block> BlockPool::give(std::byte* data) {
  const auto found = used_.find(data);
  const Block block{data, found->second};
  used_.erase(found);
  in_use_ -= block.bytes;
  if (waiting_bytes_ + block.bytes > Buffer::kCachedBytes) return {block};
  waiting_.push_back(block);
  waiting_bytes_ += block.bytes;
  return {};
}

std::vector<BlockPool::Block> BlockPool::release() {
  waiting_bytes_ = 0;
  most_in_use_ = in_use_;
  return std::exchange(waiting_, {});
}

}  // namespace kith
