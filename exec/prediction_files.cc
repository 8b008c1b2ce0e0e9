#include "kith/exec/prediction_files.h"

#include <cstring>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/datasets/npy_file.h"

namespace kith {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kFlushBytes = 1 << 20;

/// predictions.npy → predictions.ids.npy
fs::path beside(fs::path path, const char* ending) { return path.replace_extension(ending); }

void write_ids(const fs::path& predictions, std::int64_t nodes, const UserIdView& ids) {
  if (!ids.numbers.empty()) {
    write_npy<std::int64_t>(beside(predictions, ".ids.npy"), ids.numbers);
  } else if (ids.any()) {
    AtomicFile file(beside(predictions, ".ids.txt"));
    for (std::int64_t i = 0; i < nodes; ++i) file.write(ids.text(StoreId{i}) + '\n');
    file.commit();
  }
}

class NpyPredictions final : public PredictionFile {
 public:
  NpyPredictions(const fs::path& path, const PredictionShape& shape, const UserIdView& ids)
      : path_(path), shape_(shape), ids_(ids), writer_(path, dtype(), extents()) {}
  void add(std::int64_t, std::span<const std::byte> rows) override { writer_.write(rows); }
  void finish() override {
    write_ids(path_, shape_.nodes, ids_);
    writer_.finish();
  }

 private:
  DType dtype() const { return shape_.classes > 0 ? DType::f32 : DType::i64; }
  std::vector<std::int64_t> extents() const {
    if (shape_.classes > 0) return {shape_.nodes, shape_.classes};
    return {shape_.nodes};
  }
  fs::path path_;
  PredictionShape shape_;
  const UserIdView& ids_;
  NpyWriter writer_;
};

/// RFC 4180: quoted where a comma, a quote or a line's end would be taken for the table's.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

template <class T>
T value_at(std::span<const std::byte> bytes, std::int64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * static_cast<std::int64_t>(sizeof value), sizeof value);
  return value;
}

class CsvPredictions final : public PredictionFile {
 public:
  CsvPredictions(const fs::path& path, const PredictionShape& shape, const UserIdView& ids)
      : shape_(shape), ids_(ids), file_(path) {
    text_ = "node";
    if (shape.classes == 0) text_ += ",class";
    for (std::int64_t c = 0; c < shape.classes; ++c) text_ += fmt::format(",{}", c);
    text_ += '\n';
  }
  void add(std::int64_t first, std::span<const std::byte> rows) override {
    const std::int64_t columns = std::max<std::int64_t>(1, shape_.classes);
    const std::int64_t size = columns * static_cast<std::int64_t>(shape_.classes > 0 ? sizeof(float) : 8);
    const std::int64_t count = static_cast<std::int64_t>(rows.size()) / size;
    for (std::int64_t i = 0; i < count; ++i) {
      text_ += csv_field(ids_.text(StoreId{first + i}));
      for (std::int64_t c = 0; c < columns; ++c) text_ += ',' + cell(rows, i * columns + c);
      text_ += '\n';
      if (text_.size() > kFlushBytes) flush();
    }
  }
  void finish() override {
    flush();
    file_.commit();
  }

 private:
  std::string cell(std::span<const std::byte> rows, std::int64_t i) const {
    return shape_.classes > 0 ? fmt::format("{}", value_at<float>(rows, i))
                              : fmt::format("{}", value_at<std::int64_t>(rows, i));
  }
  void flush() {
    file_.write(text_);
    text_.clear();
  }
  PredictionShape shape_;
  const UserIdView& ids_;
  AtomicFile file_;
  std::string text_;
};

}  // namespace

void require_prediction_path(const fs::path& path) {
  if (path.extension() != ".npy" && path.extension() != ".csv")
    throw InputError(path.string() + ": predictions are written as .npy or .csv; let the name end so");
}

std::unique_ptr<PredictionFile> prediction_file(const fs::path& path, const PredictionShape& shape,
                                                const UserIdView& ids) {
  require_prediction_path(path);
  if (path.extension() == ".csv") return std::make_unique<CsvPredictions>(path, shape, ids);
  return std::make_unique<NpyPredictions>(path, shape, ids);
}

}  // namespace kith
