#pragma once
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"

// What the fuzzers share: the parsers read files, so every input is written to one, in memory where there is
// such a place.
namespace kith::fuzz {

namespace fs = std::filesystem;

/// A folder of this process, gone at its end.
class Folder {
 public:
  Folder()
      : path_((fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) /
              ("kith-fuzz-" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path put(const std::string& name, const void* data, std::size_t size) const {
    const fs::path path = path_ / name;
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) throw Error("cannot write " + path.string());
    std::fwrite(data, 1, size, file);
    std::fclose(file);
    return path;
  }
  fs::path put(const std::string& name, const std::string& text) const {
    return put(name, text.data(), text.size());
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The folder of this process; one thread parses, so that a run can be repeated.
inline const Folder& folder() {
  static const ThreadLimit limit(1);
  static const Folder made;
  return made;
}

/// Whatever the parser throws on purpose is an answer; any other exception ends the fuzzer.
template <class Action>
int answered(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    // A broken contract of the engine is a bug, not an answer.
    if (error.code() == ExitCode::other) throw;
  }
  return 0;
}

}  // namespace kith::fuzz
