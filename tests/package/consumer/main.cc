#include <cstdio>

#include "kith/datasets/settings.h"
#include "kith/exec/train.h"

int main() {
  const kith::RawDataset graph = kith::planted({.nodes = 100, .degree = 4, .communities = 2});
  std::printf("%lld nodes\n", static_cast<long long>(graph.nodes));
  return graph.nodes == 100 ? 0 : 1;
}
