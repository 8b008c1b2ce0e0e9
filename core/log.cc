#include "kith/core/log.h"

#include <algorithm>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "kith/core/error.h"

namespace kith::log {
namespace {

using Logger = std::shared_ptr<spdlog::logger>;

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

/// Information is the normal case and carries no mark on the console.
class MarkFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    std::string_view mark;
    if (message.level == spdlog::level::debug) mark = "debug: ";
    if (message.level == spdlog::level::warn) mark = "warning: ";
    if (message.level == spdlog::level::err) mark = "error: ";
    out.append(mark.data(), mark.data() + mark.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<MarkFlag>(); }
};

spdlog::sink_ptr console_sink(const Options& options) {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  const std::string prefix = options.rank > 0 ? fmt::format("rank {}: ", options.rank) : "";
  formatter->add_flag<MarkFlag>('*').set_pattern(prefix + "%*%v");
  sink->set_formatter(std::move(formatter));
  const Level lowest = options.rank > 0 ? std::max(options.level, Level::warning) : options.level;
  sink->set_level(level_of(lowest));
  return sink;
}

spdlog::sink_ptr file_sink(const Options& options) {
  const auto path = options.folder / fmt::format("rank-{:05}.log", options.rank);
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
    sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    sink->set_level(spdlog::level::debug);
    return sink;
  } catch (const spdlog::spdlog_ex& error) {
    throw InputError(fmt::format("cannot open the log file {}: {}", path.string(), error.what()));
  }
}

Logger make_logger(const Options& options) {
  auto made = std::make_shared<spdlog::logger>("kith", console_sink(options));
  if (!options.folder.empty()) made->sinks().push_back(file_sink(options));
  made->set_level(spdlog::level::debug);
  made->flush_on(spdlog::level::warn);
  return made;
}

std::mutex& guard() {
  static std::mutex mutex;
  return mutex;
}

Logger& slot() {
  static Logger current = make_logger({});
  return current;
}

Logger current() {
  std::lock_guard lock(guard());
  return slot();
}

void write(Level level, std::string_view message) {
  current()->log(level_of(level), spdlog::string_view_t(message.data(), message.size()));
}

}  // namespace

void open(const Options& options) {
  Logger made = make_logger(options);
  std::lock_guard lock(guard());
  slot() = std::move(made);
}

void debug(std::string_view message) { write(Level::debug, message); }
void info(std::string_view message) { write(Level::info, message); }
void warning(std::string_view message) { write(Level::warning, message); }
void error(std::string_view message) { write(Level::error, message); }
void flush() { current()->flush(); }

}  // namespace kith::log
