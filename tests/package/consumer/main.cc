#include <cstdio>

#include "kith/datasets/settings.h"
#include "kith/exec/train.h"

int main() {
  kith::PlantedOptions options{.nodes = 100, .degree = 4, .communities = 2, .classes = 2};
  options.split = kith::parse_split("random:0.5/0.25/0.25");
  const kith::RawDataset graph = kith::planted(options);
  std::printf("%lld nodes\n", static_cast<long long>(graph.nodes));
  return graph.nodes == 100 ? 0 : 1;
}
