// The header is a Python dictionary literal with exactly three keys. The parser below accepts that dictionary
// in any order of its keys and any spacing, and nothing else: no size is trusted before it is checked against
// the bytes that are really there.
#include <charconv>
#include <cstring>
#include <string_view>

#include "kith/datasets/npy.h"

namespace kith {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kMaxHeader = 1 << 16;
constexpr std::size_t kMaxDimensions = 32;
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 60;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw InputError(where + ": " + what);
}

DType dtype_of_descr(std::string_view descr, const std::string& where) {
  struct Known {
    std::string_view descr;
    DType dtype;
  };
  static constexpr Known kKnown[] = {
      {"|u1", DType::u8},  {"<u1", DType::u8},      {"|i1", DType::i8},   {"<i1", DType::i8},
      {"<u2", DType::u16}, {"<i2", DType::i16},     {"<u4", DType::u32},  {"<i4", DType::i32},
      {"<u8", DType::u64}, {"<i8", DType::i64},     {"<f2", DType::f16},  {"<f4", DType::f32},
      {"<f8", DType::f64}, {"|b1", DType::boolean}, {"|V2", DType::bf16}, {"<V2", DType::bf16}};
  for (const Known& known : kKnown) {
    if (known.descr == descr) return known.dtype;
  }
  fail(where, "unsupported element type '" + std::string(descr) +
                  "' (little-endian integers, floats and booleans are read; objects and text are not)");
}

std::string_view descr_of(DType dtype) {
  switch (dtype) {
    case DType::u8: return "|u1";
    case DType::i8: return "|i1";
    case DType::i16: return "<i2";
    case DType::u16:
    case DType::bf16: return "<u2";
    case DType::i32: return "<i4";
    case DType::u32: return "<u4";
    case DType::i64: return "<i8";
    case DType::u64: return "<u8";
    case DType::f16: return "<f2";
    case DType::f32: return "<f4";
    case DType::f64: return "<f8";
    case DType::boolean: return "|b1";
  }
  return "";
}

/// A cursor over the dictionary's text.
class Dictionary {
 public:
  Dictionary(std::string_view text, const std::string& where) : rest_(text), where_(where) {}

  NpyHeader parse() {
    expect('{');
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      field(key);
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!rest_.empty()) bad("text behind the dictionary");
    if (seen_ != (kDescr | kOrder | kShape)) bad("it needs 'descr', 'fortran_order' and 'shape'");
    return std::move(header_);
  }

 private:
  static constexpr unsigned kDescr = 1, kOrder = 2, kShape = 4;

  [[noreturn]] void bad(const std::string& what) const { fail(where_, "damaged npy header: " + what); }
  void skip_space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  bool take(char c) {
    skip_space();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) bad(std::string("'") + c + "' expected");
  }
  bool take_word(std::string_view word) {
    skip_space();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::string_view quoted() {
    skip_space();
    const char quote = rest_.empty() ? '\0' : rest_[0];
    if (quote != '\'' && quote != '"') bad("a quoted text expected");
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) bad("an unfinished text");
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  void field(std::string_view key) {
    if (key == "descr") {
      once(kDescr);
      descr();
    } else if (key == "fortran_order") {
      once(kOrder);
      order();
    } else if (key == "shape") {
      once(kShape);
      shape();
    } else {
      bad("unknown key '" + std::string(key) + "'");
    }
  }
  void once(unsigned bit) {
    if (seen_ & bit) bad("a key stands twice");
    seen_ |= bit;
  }
  void descr() {
    skip_space();
    if (!rest_.empty() && rest_[0] == '[') fail(where_, "structured npy arrays are not read");
    header_.dtype = dtype_of_descr(quoted(), where_);
  }
  void order() {
    if (take_word("True")) {
      header_.fortran_order = true;
    } else if (!take_word("False")) {
      bad("'fortran_order' is neither True nor False");
    }
  }
  void shape() {
    expect('(');
    while (!take(')')) {
      header_.shape.push_back(length());
      if (header_.shape.size() > kMaxDimensions) bad("more than 32 dimensions");
      if (!take(',')) {
        expect(')');
        break;
      }
    }
  }
  std::int64_t length() {
    skip_space();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error == std::errc::result_out_of_range) bad("a length in 'shape' exceeds 2^63");
    if (error != std::errc{}) bad("a length in 'shape' is not a number");
    if (value < 0) bad("negative length " + std::to_string(value) + " in 'shape'");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    if (!rest_.empty() && rest_[0] == 'L') rest_.remove_prefix(1);  // Python 2 wrote long integers so
    return value;
  }

  std::string_view rest_;
  const std::string& where_;
  NpyHeader header_;
  unsigned seen_ = 0;
};

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text;
  for (const std::int64_t length : shape) text += (text.empty() ? "" : ", ") + std::to_string(length);
  return text;
}

/// Refuses a shape whose bytes exceed 2⁶⁰, zero lengths counted as one so that no partial product can
/// overflow.
void check_size(const NpyHeader& header, const std::string& where) {
  std::int64_t limit = kMaxBytes / static_cast<std::int64_t>(size_of(header.dtype));
  for (const std::int64_t length : header.shape) {
    if (length > limit) fail(where, "absurd shape [" + shape_text(header.shape) + "] in the npy header");
    if (length > 0) limit /= length;
  }
}

template <class T>
std::size_t integer_at(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace

std::int64_t NpyHeader::count() const {
  std::int64_t product = 1;
  for (const std::int64_t length : shape) product *= length;
  return product;
}

std::string describe(const NpyHeader& header) {
  return std::string(name_of(header.dtype)) + " [" + shape_text(header.shape) + "]" +
         (header.fortran_order ? " in Fortran order" : "");
}

NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& where) {
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  if (bytes.empty()) fail(where, "empty file");
  if (bytes.size() < 10)
    fail(where, "cut off within the npy header (" + std::to_string(bytes.size()) + " bytes)");
  if (std::string_view(text, kMagic.size()) != kMagic) fail(where, "wrong magic: not an npy array");
  const int major = static_cast<unsigned char>(text[6]), minor = static_cast<unsigned char>(text[7]);
  if (major < 1 || major > 3 || minor != 0) {
    fail(where, "npy version " + std::to_string(major) + "." + std::to_string(minor) +
                    " is unknown (1.0 to 3.0 are read)");
  }
  const std::size_t prefix = major == 1 ? 10 : 12;
  if (bytes.size() < prefix) fail(where, "cut off within the npy header");
  const std::size_t length =
      major == 1 ? integer_at<std::uint16_t>(bytes, 8) : integer_at<std::uint32_t>(bytes, 8);
  if (length > kMaxHeader) fail(where, "absurd npy header length " + std::to_string(length));
  if (length > bytes.size() - prefix) {
    fail(where, "cut off within the npy header (" + std::to_string(bytes.size()) + " bytes)");
  }
  NpyHeader header = Dictionary({text + prefix, length}, where).parse();
  header.data_offset = prefix + length;
  check_size(header, where);
  return header;
}

std::string npy_header(DType dtype, std::span<const std::int64_t> shape) {
  std::string text = "{'descr': '" + std::string(descr_of(dtype)) + "', 'fortran_order': False, 'shape': (" +
                     shape_text(shape) + (shape.size() == 1 ? ",), }" : "), }");
  const std::size_t unpadded = 10 + text.size() + 1;
  text.append((64 - unpadded % 64) % 64, ' ');
  text += '\n';
  const auto length = static_cast<std::uint16_t>(text.size());
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  return header + text;
}

}  // namespace kith
