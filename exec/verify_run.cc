#include "kith/exec/verify_run.h"

#include <fstream>

#include <nlohmann/json.hpp>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/exec/run_folder.h"
#include "kith/exec/safetensors.h"
#include "kith/exec/training_state.h"

namespace kith {
namespace {

namespace fs = std::filesystem;

int verify_json(const fs::path& file) {
  if (!fs::exists(file)) return 0;
  if (!nlohmann::json::accept(read_text_file(file)))
    throw CorruptError(file.string() + ": is not whole JSON");
  return 1;
}

int verify_lines(const fs::path& file) {
  if (!fs::exists(file)) return 0;
  std::ifstream lines(file);
  std::int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!nlohmann::json::accept(line))
      throw CorruptError(file.string() + ':' + std::to_string(number) + ": is not one whole JSON object");
  }
  return 1;
}

}  // namespace

int verify_run(const fs::path& run) {
  const RunFolder folder(run);
  int files =
      verify_json(run / "run.json") + verify_json(folder.summary()) + verify_lines(run / "metrics.jsonl");
  for (const fs::path& checkpoint : checkpoints_in(folder.checkpoints())) {
    Safetensors::read(checkpoint);
    ++files;
  }
  if (fs::is_directory(folder.checkpoints() / "halo")) {
    for (const auto& state : fs::directory_iterator(folder.checkpoints() / "halo")) {
      Safetensors::read(state.path());
      ++files;
    }
  }
  if (fs::exists(folder.best_weights())) {
    Safetensors::read(folder.best_weights());
    ++files;
  }
  return files;
}

}  // namespace kith
