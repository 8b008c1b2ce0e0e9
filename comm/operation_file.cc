#include "kith/comm/operation_file.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kith/core/error.h"

namespace kith {
namespace {

constexpr int kLines = 64;
constexpr std::size_t kWidth = 128, kBytes = kLines * kWidth;
constexpr std::string_view kUnderWay = " under way", kDone = " done     ";

/// What a line is about, to find it again.
struct Line {
  const OperationLog* log = nullptr;
  std::int64_t sequence = -1;
};

struct File {
  char* text = nullptr;  // mapped for as long as the process lives
  std::mutex mutex;
  std::int64_t next = 0;
  std::array<Line, kLines> lines;
};

File file;
std::atomic<bool> opened = false;

/// Ends in what becomes of it and a line's end; blanks before.
void write_line(int line, std::string text) {
  text.resize(kWidth - kUnderWay.size() - 1, ' ');
  text += kUnderWay;
  text += '\n';
  std::memcpy(file.text + static_cast<std::size_t>(line) * kWidth, text.data(), kWidth);
}

std::int64_t milliseconds_since_1970() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

void open_operation_file(const std::filesystem::path& run, int rank) {
  const std::filesystem::path path = run / fmt::format("rank-{:05}.operations", rank);
  const auto fail = [&] { throw InputError(path.string() + ": cannot be made: " + std::strerror(errno)); };
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) fail();
  const bool sized = ftruncate(descriptor, kBytes) == 0;
  void* memory =
      sized ? mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0) : MAP_FAILED;
  close(descriptor);
  if (memory == MAP_FAILED) fail();
  file.text = static_cast<char*>(memory);
  for (int line = 0; line < kLines; ++line) {
    std::memset(file.text + static_cast<std::size_t>(line) * kWidth, ' ', kWidth - 1);
    file.text[static_cast<std::size_t>(line + 1) * kWidth - 1] = '\n';
  }
  opened = true;
}

namespace operation_file {

bool is_open() { return opened; }

void start(const OperationLog* log, std::int64_t sequence, const std::string& text) {
  std::lock_guard lock(file.mutex);
  const auto line = static_cast<int>(file.next % kLines);
  file.lines[static_cast<std::size_t>(line)] = {log, sequence};
  const std::int64_t now = milliseconds_since_1970();
  write_line(line, fmt::format("#{:012} {}.{:03} {},", file.next++, now / 1000, now % 1000, text));
}

// Most often it is one of the newest.
void complete(const OperationLog* log, std::int64_t sequence) {
  std::lock_guard lock(file.mutex);
  for (std::int64_t n = file.next; n-- > std::max<std::int64_t>(0, file.next - kLines);) {
    const auto line = static_cast<std::size_t>(n % kLines);
    if (file.lines[line].log != log || file.lines[line].sequence != sequence) continue;
    std::memcpy(file.text + (line + 1) * kWidth - 1 - kDone.size(), kDone.data(), kDone.size());
    return;
  }
}

}  // namespace operation_file
}  // namespace kith
