// Slurm is asked by its own command, because a time limit can be changed while the job runs or waits; the
// environment variable of newer versions is the second source.
#include "kith/exec/end_time.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "kith/core/error.h"

namespace kith {
namespace {

bool all_digits(const std::string& text) {
  return !text.empty() && text.size() <= 12 && text.find_first_not_of("0123456789") == text.npos;
}

std::optional<WallTime> seconds_since_1970(const std::string& text) {
  if (!all_digits(text)) return std::nullopt;
  return std::chrono::system_clock::from_time_t(static_cast<std::time_t>(std::stoll(text)));
}

/// Local time, to the minute or to the second.
std::optional<WallTime> calendar_time(const std::string& text) {
  for (const char* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"}) {
    std::tm parts{};
    const char* end = strptime(text.c_str(), format, &parts);
    if (end == nullptr || *end != '\0') continue;
    parts.tm_isdst = -1;
    return std::chrono::system_clock::from_time_t(std::mktime(&parts));
  }
  return std::nullopt;
}

/// The first word that a command prints; empty when it fails.
std::string first_word_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::array<char, 64> word{};
  const bool found = std::fscanf(pipe, "%63s", word.data()) == 1;
  return pclose(pipe) == 0 && found ? word.data() : std::string();
}

/// "UNLIMITED" and the like are no time, so they mean: no end.
std::optional<WallTime> slurm_end_time() {
  const char* job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr || !all_digits(job)) return std::nullopt;
  const std::string asked =
      first_word_of("timeout 20 squeue -h -j " + std::string(job) + " -O EndTime 2>/dev/null");
  if (!asked.empty()) return calendar_time(asked);
  const char* told = std::getenv("SLURM_JOB_END_TIME");
  return told == nullptr ? std::nullopt : seconds_since_1970(told);
}

}  // namespace

std::optional<WallTime> end_time(const std::string& text) {
  if (text == "auto") return slurm_end_time();
  if (text == "none") return std::nullopt;
  auto time = seconds_since_1970(text);
  if (!time) time = calendar_time(text);
  if (!time)
    throw InputError("end-time \"" + text +
                     "\" is not a time: seconds since 1970, or a local time such as 2026-11-21T12:00");
  if (*time <= std::chrono::system_clock::now())
    throw InputError("end-time " + text + " is over; give a later one, or none");
  return time;
}

}  // namespace kith
