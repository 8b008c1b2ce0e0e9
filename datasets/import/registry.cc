#include "kith/datasets/import/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kith/core/error.h"
#include "kith/core/settings.h"
#include "kith/datasets/import/formats.h"

namespace kith {
namespace {

/// In the order they are tried: the more particular first.
constexpr ImportFormat kFormats[] = {
    {"planetoid", "ind.NAME.x, .tx, .allx, .y, .ty, .ally, .graph, .test.index", recognises_planetoid,
     read_planetoid},
};

const ImportFormat& named(const std::string& name) {
  std::vector<std::string> known{"auto"};
  for (const ImportFormat& format : kFormats) {
    if (format.name == name) return format;
    known.emplace_back(format.name);
  }
  const auto near = nearest_name(name, known);
  throw InputError(fmt::format(
      "--format {}: no such format; {}", name,
      near ? fmt::format("did you mean {}?", *near) : fmt::format("one of {}", fmt::join(known, ", "))));
}

const ImportFormat& recognised(const std::filesystem::path& raw, const ImportRequest& request) {
  std::string seen;
  for (const ImportFormat& format : kFormats) {
    if (format.recognises(raw, request)) return format;
    seen += fmt::format("\n  {:<18}{}", format.name, format.looks_like);
  }
  throw InputError(
      fmt::format("{}: in no format that Kith reads (name one with --format):{}", raw.string(), seen));
}

}  // namespace

std::span<const ImportFormat> import_formats() { return kFormats; }

RawDataset import_dataset(const std::filesystem::path& raw, const ImportRequest& request) {
  const ImportFormat& format = request.format == "auto" ? recognised(raw, request) : named(request.format);
  RawDataset data = format.read(raw, request);
  data.format = format.name;
  return data;
}

}  // namespace kith
