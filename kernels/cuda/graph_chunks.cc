#include "kith/kernels/cuda/graph_chunks.h"

#include <algorithm>
#include <array>
#include <memory>

#include "kith/core/philox.h"
#include "kith/kernels/cuda/chunks.h"
#include "kith/kernels/cuda/graph_blocks.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith::cuda {
namespace {

constexpr std::int64_t kFloat = sizeof(float), kAlignment = 256;

/// A slot's memory, handed out piece by piece.
class Shelf {
 public:
  explicit Shelf(std::byte* data) : next_(data) {}
  template <class T>
  T* place(std::int64_t count) {
    auto* data = reinterpret_cast<T*>(next_);
    const std::int64_t bytes = count * static_cast<std::int64_t>(sizeof(T));
    next_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return data;
  }
  Tensor tensor(std::int64_t rows, std::int64_t cols) { return {place<float>(rows * cols), rows, cols}; }

 private:
  std::byte* next_;
};

/// What a block has on the device.
struct Placed {
  std::vector<Tensor> rows, sources, sums;
  std::int64_t *indptr, *t_indptr = nullptr, *t_edge = nullptr;
  std::int32_t *indices, *t_indices = nullptr;
};

Placed placed(const GraphOperands& all, const GraphBlock& block, Shelf shelf) {
  Placed there;
  for (const RowOperand& o : all.rows)
    there.rows.push_back(o.tensor.data == nullptr ? o.tensor : shelf.tensor(block.rows(), o.tensor.cols));
  for (const ConstTensor& x : all.sources) there.sources.push_back(shelf.tensor(block.columns(), x.cols));
  for (const SourceSum& s : all.sums)
    there.sums.push_back(s.tensor.data == nullptr ? s.tensor : shelf.tensor(block.columns(), s.tensor.cols));
  there.indptr = shelf.place<std::int64_t>(block.rows() + 1);
  there.indices = shelf.place<std::int32_t>(block.csr.m());
  if (all.transpose == nullptr) return there;
  there.t_indptr = shelf.place<std::int64_t>(block.columns() + 1);
  there.t_indices = shelf.place<std::int32_t>(block.csr.m());
  there.t_edge = shelf.place<std::int64_t>(block.csr.m());
  return there;
}

/// What of a slot a block takes, with the plans that kernels make of its rows.
BlockCost cost_of(const CudaDevice& device, const GraphOperands& all) {
  BlockCost cost{.row_bytes = 12, .column_bytes = 0, .edge_bytes = 4};
  std::int64_t arrays = 5;
  for (const RowOperand& o : all.rows) cost.row_bytes += o.tensor.cols * kFloat;
  for (const ConstTensor& x : all.sources) cost.column_bytes += x.cols * kFloat;
  for (const SourceSum& s : all.sums) cost.column_bytes += s.tensor.cols * kFloat;
  if (all.transpose != nullptr) {
    cost.column_bytes += 12;
    cost.edge_bytes += 12;
  }
  arrays += std::ssize(all.rows) + std::ssize(all.sources) + std::ssize(all.sums);
  cost.most = slot_bytes(device) - arrays * kAlignment;
  return cost;
}

using Blocks = std::shared_ptr<const std::vector<GraphBlock>>;

Blocks blocks_for(CudaDevice& device, const GraphOperands& all, std::int64_t columns) {
  const BlockCost cost = cost_of(device, all);
  std::uint64_t key = all.transpose != nullptr ? 1 : 2;
  // Matrices that share a mirrored array are told by where they begin and end in it.
  key = mix64(key ^ mix64(reinterpret_cast<std::uintptr_t>(all.csr.indptr.data())) ^ all.csr.indptr.size());
  for (const std::int64_t part : {cost.row_bytes, cost.column_bytes, cost.most})
    key = mix64(key ^ static_cast<std::uint64_t>(part));
  const auto made = device.attached(all.csr.indptr.data(), key, [&]() -> CudaDevice::Attachment {
    return std::make_shared<const std::vector<GraphBlock>>(
        graph_blocks(all.csr, columns, cost, all.transpose != nullptr));
  });
  return std::static_pointer_cast<const std::vector<GraphBlock>>(made);
}

std::int64_t columns_of(const GraphOperands& all) {
  return all.sources.empty() ? all.csr.n() : all.sources.front().rows;
}

/// The columns' rows: the block's own in one piece, the others one by one.
void gather(CudaDevice& device, const GraphBlock& block, ConstTensor x, Tensor to) {
  start_copy_rows(device, to.row_range(0, block.own), x.row_range(block.begin, block.begin + block.own));
  gather_rows(Cuda{&device}, x, block.others.span(), to.row_range(block.own, to.rows));
}

void add(CudaDevice& device, const GraphBlock& block, ConstTensor x, Tensor to) {
  const Cuda on{&device};
  axpby(on, 1, x.row_range(0, block.own), 1, to.row_range(block.begin, block.begin + block.own));
  add_rows(on, x.row_range(block.own, x.rows), block.others.span(), to);
}

class GraphChunks {
 public:
  GraphChunks(CudaDevice& device, const GraphOperands& all)
      : device_(device), all_(all), blocks_(blocks_for(device, all, columns_of(all))) {}

  void run(const std::function<void(const GraphPart&)>& body) {
    for (const SourceSum& sum : all_.sums)
      if (sum.tensor.data != nullptr && sum.beta == 0) clear(sum.tensor);
    for (std::int64_t slot = 0; slot < std::min<std::int64_t>(2, std::ssize(*blocks_)); ++slot)
      slots_[static_cast<std::size_t>(slot)] = Scratch(device_, slot_bytes(device_));
    run_chunks(
        device_, std::ssize(*blocks_),
        {.arrive = [&](std::int64_t chunk, int slot) { arrive(block(chunk), there(chunk, slot)); },
         .compute = [&](std::int64_t chunk, int slot) { compute(block(chunk), there(chunk, slot), body); },
         .leave = [&](std::int64_t chunk, int slot) { leave(block(chunk), there(chunk, slot)); }});
  }

 private:
  /// What lies on the host is cleared there.
  void clear(Tensor t) {
    if (t.contiguous()) return device_.set_zero(t.data, static_cast<std::size_t>(t.size()) * sizeof(float));
    fill(Backend(Cuda{&device_}), 0, t);
  }
  const GraphBlock& block(std::int64_t chunk) const { return (*blocks_)[static_cast<std::size_t>(chunk)]; }
  Placed there(std::int64_t chunk, int slot) const {
    return placed(all_, block(chunk), Shelf(slots_[static_cast<std::size_t>(slot)].data()));
  }

  template <class T>
  void copy(T* to, std::span<const T> from) {
    device_.start_copy(to, from.data(), from.size_bytes());
  }

  void arrive(const GraphBlock& block, const Placed& there) {
    for (std::size_t i = 0; i < all_.rows.size(); ++i)
      if (const RowOperand& o = all_.rows[i]; o.read && o.tensor.data != nullptr)
        start_copy_rows(device_, there.rows[i], o.tensor.row_range(block.begin, block.end));
    for (std::size_t i = 0; i < all_.sources.size(); ++i)
      gather(device_, block, all_.sources[i], there.sources[i]);
    copy(there.indptr, block.csr.indptr.span());
    copy(there.indices, block.csr.indices.span());
    if (all_.transpose == nullptr) return;
    copy(there.t_indptr, block.transpose.csr.indptr.span());
    copy(there.t_indices, block.transpose.csr.indices.span());
    copy(there.t_edge, block.transpose.edge.span());
  }

  void compute(const GraphBlock& block, const Placed& there,
               const std::function<void(const GraphPart&)>& body) {
    std::vector<CudaMirror> mirrors;
    const auto lent = [&](auto values, const void* copy) {
      mirrors.emplace_back(device_, values.data(), values.size_bytes(), copy);
    };
    lent(block.csr.indptr.span(), there.indptr);
    lent(block.csr.indices.span(), there.indices);
    if (all_.transpose != nullptr) {
      lent(block.transpose.csr.indptr.span(), there.t_indptr);
      lent(block.transpose.csr.indices.span(), there.t_indices);
      lent(block.transpose.edge.span(), there.t_edge);
    }
    body(GraphPart(all_, {.begin = block.begin,
                          .end = block.end,
                          .own = block.own,
                          .others = block.others.span(),
                          .csr = block.csr,
                          .transpose = &block.transpose,
                          .rows = there.rows,
                          .sources = there.sources,
                          .sums = there.sums}));
  }

  void leave(const GraphBlock& block, const Placed& there) {
    for (std::size_t i = 0; i < all_.rows.size(); ++i)
      if (const RowOperand& o = all_.rows[i]; o.written && o.tensor.data != nullptr)
        start_copy_rows(device_, o.tensor.row_range(block.begin, block.end), there.rows[i]);
    for (std::size_t i = 0; i < all_.sums.size(); ++i)
      if (all_.sums[i].tensor.data != nullptr) add(device_, block, there.sums[i], all_.sums[i].tensor);
  }

  CudaDevice& device_;
  const GraphOperands& all_;
  Blocks blocks_;
  std::array<Scratch, 2> slots_;
};

}  // namespace

bool spilled(const CudaDevice& device, const GraphOperands& all) {
  const auto away = [&](const float* data) { return data != nullptr && device.spilled(data); };
  return spilled(device, std::span<const RowOperand>(all.rows)) ||
         std::any_of(all.sources.begin(), all.sources.end(), [&](ConstTensor x) { return away(x.data); }) ||
         std::any_of(all.sums.begin(), all.sums.end(),
                     [&](const SourceSum& s) { return away(s.tensor.data); });
}

void over_graph_chunks(CudaDevice& device, const GraphOperands& operands,
                       const std::function<void(const GraphPart&)>& body) {
  if (operands.csr.n() == 0) return;
  GraphChunks(device, operands).run(body);
}

}  // namespace kith::cuda
