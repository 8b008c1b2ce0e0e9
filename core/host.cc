// Memory in a container is limited by cgroups, v2 or v1, at any level above the process; the smallest limit
// counts.
#include "kith/core/host.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

#include <sched.h>
#include <sys/sysinfo.h>
#include <unistd.h>

namespace kith {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

/// The number behind `key` ("MemAvailable:") in a file of lines; an empty key: the first number of the file.
std::optional<std::int64_t> number_in(const fs::path& file, std::string_view key) {
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    if (!line.starts_with(key)) continue;
    const std::size_t digits = line.find_first_of("0123456789", key.size());
    if (digits == line.npos) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(line.data() + digits, line.data() + line.size(), value);
    return error == std::errc{} ? std::optional(value) : std::nullopt;
  }
  return std::nullopt;
}

std::string line_behind(const fs::path& file, std::string_view key) {
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    if (!line.starts_with(key)) continue;
    const std::size_t text = line.find_first_not_of(": \t", key.size());
    return text == line.npos ? "" : line.substr(text);
  }
  return "";
}

/// One memory controller: where it is mounted and what its files are called.
struct Controller {
  fs::path root;
  std::string group;  ///< this process's group below the root
  const char* limit;
  const char* used;
  const char* reclaimable;  ///< key in memory.stat of page cache that the kernel gives back first
};

std::string group_of(std::string_view controller) {
  std::ifstream in("/proc/self/cgroup");
  std::string line;
  while (std::getline(in, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == line.npos) continue;
    if (line.substr(first + 1, second - first - 1) == controller) return line.substr(second + 1);
  }
  return "/";
}

Controller find_controller() {
  if (fs::exists("/sys/fs/cgroup/cgroup.controllers"))
    return {"/sys/fs/cgroup", group_of(""), "memory.max", "memory.current", "inactive_file"};
  return {"/sys/fs/cgroup/memory", group_of("memory"), "memory.limit_in_bytes", "memory.usage_in_bytes",
          "total_inactive_file"};
}

/// Calls visit(folder) for this process's group and every group above it. Inside a container the group named
/// by the kernel may not be visible; its root then stands for it.
template <class Visit>
void for_each_group(const Controller& controller, Visit&& visit) {
  fs::path group = fs::path(controller.group).relative_path();
  while (!group.empty()) {
    if (fs::exists(controller.root / group)) visit(controller.root / group);
    group = group.parent_path();
  }
  visit(controller.root);
}

std::int64_t host_bytes() {
  struct sysinfo info {};
  return ::sysinfo(&info) == 0 ? static_cast<std::int64_t>(info.totalram) * info.mem_unit : kUnlimited;
}

}  // namespace

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

std::int64_t process_id() { return ::getpid(); }

std::string cpu_model() {
  const std::string model = line_behind("/proc/cpuinfo", "model name");
  return model.empty() ? "unknown" : model;
}

int affinity_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  // More than 1024 logical cores do not fit the static mask; the count of online cores is the next best
  // answer.
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) return std::max(1, CPU_COUNT(&mask));
  return std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
}

std::string vector_width() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "avx512";
  if (__builtin_cpu_supports("avx2")) return "avx2";
  return "sse4";
#elif defined(__aarch64__)
  return "neon";
#else
  return "scalar";
#endif
}

// Not by sysconf, which some processors make count the caches of cores that are not this machine's.
std::int64_t last_level_cache_bytes() {
  std::int64_t largest = 0;
  for (int index = 0;; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    const std::optional<std::int64_t> kibibytes = number_in(folder + "/size", "");
    if (!kibibytes) return largest;
    largest = std::max(largest, *kibibytes << 10);
  }
}

std::int64_t memory_limit_bytes() {
  const Controller controller = find_controller();
  std::int64_t limit = host_bytes();
  for_each_group(controller, [&](const fs::path& group) {
    limit = std::min(limit, number_in(group / controller.limit, "").value_or(kUnlimited));
  });
  return limit;
}

std::int64_t memory_available_bytes() {
  const Controller controller = find_controller();
  std::int64_t available = number_in("/proc/meminfo", "MemAvailable:").value_or(kUnlimited / 1024) * 1024;
  for_each_group(controller, [&](const fs::path& group) {
    const auto limit = number_in(group / controller.limit, "");
    const auto used = number_in(group / controller.used, "");
    if (!limit || !used) return;
    const std::int64_t cache = number_in(group / "memory.stat", controller.reclaimable).value_or(0);
    available = std::min(available, *limit - *used + std::min(cache, *used));
  });
  return std::max<std::int64_t>(available, 0);
}

std::int64_t resident_bytes() { return number_in("/proc/self/status", "VmRSS:").value_or(0) * 1024; }

}  // namespace kith
