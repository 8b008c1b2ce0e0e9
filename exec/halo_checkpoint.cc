#include "kith/exec/halo_checkpoint.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/core/checksum.h"
#include "kith/core/log.h"
#include "kith/exec/on_root.h"
#include "kith/exec/safetensors.h"
#include "kith/exec/training_state.h"

namespace kith {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
constexpr const char* kMetadata = "kith_halo";

fs::path file_of(const fs::path& checkpoint, int rank) {
  return checkpoint.parent_path() / "halo" /
         fmt::format("{}-rank-{:05}.safetensors", checkpoint.stem().string(), rank);
}

/// What the file must have been written for.
Json purpose(const Communicator& comm, std::int64_t step, const LocalGraph& graph) {
  return {{"format_version", 1},
          {"ranks", comm.size()},
          {"rank", comm.rank().value()},
          {"step", step},
          {"nodes", hex_of_hash(checksum_of(std::as_bytes(graph.store_ids())))}};
}

HaloState read_state(const fs::path& file, const Json& expected) {
  const Safetensors saved = Safetensors::read(file);
  const auto found = saved.metadata().find(kMetadata);
  if (found == saved.metadata().end() || Json::parse(found->second, nullptr, false) != expected)
    throw InputError(file.string() + ": is of other parts, another number of ranks or another step");
  HaloState state;
  for (const std::string& name : saved.names()) {
    const std::vector<std::int64_t>& shape = saved.shape(name);
    if (shape.size() != 2) throw CorruptError(file.string() + ": " + name + " is no matrix");
    Matrix values(shape[0], shape[1]);
    copy_values(saved.tensor(name, values.size()), values.span());
    state.put(name, values);
  }
  return state;
}

}  // namespace

void write_halo_state(Communicator& comm, const fs::path& checkpoint, std::int64_t step, LocalGraph& graph,
                      const Backend& on) {
  if (comm.size() == 1 || !graph.exchange().keeps_state()) return;
  run_on_each(comm, "write what the halo protocol keeps", [&] {
    const HaloState state = graph.exchange().state(on);
    std::vector<NamedTensor> tensors;
    for (const auto& [name, values] : state.matrices())
      tensors.push_back({name, {values.rows(), values.cols()}, values.span()});
    const fs::path file = file_of(checkpoint, comm.rank().value());
    fs::create_directories(file.parent_path());
    write_safetensors(file, tensors, {{kMetadata, purpose(comm, step, graph).dump()}});
  });
}

void read_halo_state(Communicator& comm, const fs::path& checkpoint, std::int64_t step, LocalGraph& graph,
                     const Backend& on) {
  if (comm.size() == 1 || !graph.exchange().keeps_state()) return;
  std::string problem;
  HaloState state;
  try {
    const UseMemory host(nullptr);
    state = read_state(file_of(checkpoint, comm.rank().value()), purpose(comm, step, graph));
  } catch (const Error& error) {
    problem = error.what();
  }
  for (const std::string& reason : all_gather(comm, problem, "agree on what the halo protocol kept")) {
    if (reason.empty()) continue;
    log::warning("the halo protocol starts anew, with every row in time: " + reason);
    return;
  }
  graph.exchange().restore(on, state);
}

void remove_stray_halo_states(const fs::path& checkpoints) {
  if (!fs::is_directory(checkpoints / "halo")) return;
  const std::vector<fs::path> kept = checkpoints_in(checkpoints);
  for (const auto& entry : fs::directory_iterator(checkpoints / "halo")) {
    const std::string name = entry.path().filename().string();
    const bool belongs = std::any_of(kept.begin(), kept.end(), [&](const fs::path& checkpoint) {
      return name.starts_with(checkpoint.stem().string() + "-rank-");
    });
    if (!belongs) fs::remove(entry.path());
  }
}

}  // namespace kith
