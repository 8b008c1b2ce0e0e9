#include "kith/kernels/cuda/graph_blocks.h"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/philox.h"

namespace kith::cuda {
namespace {

/// Rows of 0 to 8 entries and one that reaches every third column.
Csr32 matrix(std::int64_t rows, std::int64_t columns) {
  std::vector<std::int32_t> indices;
  Csr32 csr{Array<std::int64_t>(static_cast<std::size_t>(rows) + 1, std::int64_t{0}), {}};
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::uint64_t drawn = mix64(static_cast<std::uint64_t>(i));
    std::set<std::int32_t> row;
    for (std::uint64_t k = 0; k < drawn % 9; ++k)
      row.insert(static_cast<std::int32_t>(mix64(drawn + k) % static_cast<std::uint64_t>(columns)));
    for (std::int32_t c = 0; i == rows / 2 && c < columns; c += 3) row.insert(c);
    indices.insert(indices.end(), row.begin(), row.end());
    csr.indptr[i + 1] = std::ssize(indices);
  }
  csr.indices = copy_of(std::span<const std::int32_t>(indices));
  return csr;
}

std::int32_t column_of(const GraphBlock& block, std::int32_t place) {
  return place < block.own ? static_cast<std::int32_t>(block.begin + place) : block.others[place - block.own];
}

TEST(GraphBlocks, HoldEveryEntryOnceInItsOrderAndNoColumnTwice) {
  for (const std::int64_t columns : {200, 90, 300}) {
    const Csr32 a = matrix(200, columns);
    const BlockCost cost{.row_bytes = 5, .column_bytes = 7, .edge_bytes = 2, .most = 1200};
    const auto blocks = graph_blocks(a, columns, cost, true);
    EXPECT_GT(blocks.size(), 2U);
    std::int64_t next = 0;
    for (const GraphBlock& block : blocks) {
      EXPECT_EQ(block.begin, next);
      next = block.end;
      EXPECT_EQ(block.own, std::clamp<std::int64_t>(columns - block.begin, 0, block.rows()));
      EXPECT_LE(cost.bytes(block.rows(), block.columns(), block.csr.m()), cost.most);
      std::set<std::int32_t> met;
      for (std::int32_t place = 0; place < block.columns(); ++place) met.insert(column_of(block, place));
      EXPECT_EQ(std::ssize(met), block.columns());
      for (std::int64_t i = 0; i < block.rows(); ++i) {
        const auto row = a.view().row(block.begin + i), here = block.csr.view().row(i);
        EXPECT_TRUE(
            std::equal(row.begin(), row.end(), here.begin(), here.end(),
                       [&](std::int32_t c, std::int32_t place) { return c == column_of(block, place); }));
      }
      for (std::int64_t j = 0; j < block.columns(); ++j)
        for (std::int64_t e = block.transpose.csr.indptr[j]; e < block.transpose.csr.indptr[j + 1]; ++e)
          EXPECT_EQ(block.csr.indices[block.transpose.edge[e]], j);
      EXPECT_EQ(block.transpose.csr.m(), block.csr.m());
    }
    EXPECT_EQ(next, 200);
  }
}

TEST(GraphBlocks, AreOneWhereAllFits) {
  const Csr32 a = matrix(50, 50);
  EXPECT_EQ(graph_blocks(a, 50, {.row_bytes = 1, .column_bytes = 1, .most = 1 << 20}, false).size(), 1U);
}

TEST(GraphBlocks, RefuseARowThatDoesNotFitAndTellIt) {
  const Csr32 a = matrix(200, 200);
  try {
    graph_blocks(a, 200, {.row_bytes = 1, .column_bytes = 10, .edge_bytes = 1, .most = 300}, false);
    FAIL() << "row 100 reaches 67 columns";
  } catch (const MemoryError& error) {
    EXPECT_NE(std::string(error.what()).find("row = 100"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace kith::cuda
