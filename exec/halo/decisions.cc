// A log is a head (a magic word, ranks, rank and the checksum of the rank's rows) and records: a head of 24
// bytes with the decision's key, its rows and a checksum of the record, then a bit for each row of a
// crossing, four for each of bits and for a rung. Integers are little-endian.
#include "kith/exec/halo/decisions.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "kith/core/checksum.h"
#include "kith/core/file.h"
#include "kith/core/mapped_file.h"

namespace kith {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMagic = 0x31'43'45'44'48'54'49'4B;  // "KITHDEC1"

struct Head {
  std::uint64_t magic = kMagic;
  std::int32_t ranks = 0, rank = 0;
  std::uint64_t nodes = 0;
};

struct Record {
  std::uint32_t step = 0;
  std::uint16_t layer = 0;
  std::uint8_t backward = 0, what = 0;
  std::int32_t peer = 0;
  std::uint32_t rows = 0;
  std::uint64_t checksum = 0;  ///< of the record with 0 in this place
};
static_assert(sizeof(Head) == 24 && sizeof(Record) == 24);

int bits_of(Decided what) { return what == Decided::crossing ? 1 : 4; }

std::size_t packed_bytes(Decided what, std::size_t rows) {
  return (rows * static_cast<std::size_t>(bits_of(what)) + 7) / 8;
}

std::vector<std::byte> packed(Decided what, const HaloDecisions::Codes& codes) {
  std::vector<std::byte> bytes(packed_bytes(what, codes.size()), std::byte{0});
  const auto bits = static_cast<std::size_t>(bits_of(what));
  for (std::size_t i = 0; i < codes.size(); ++i)
    bytes[i * bits / 8] |= static_cast<std::byte>(unsigned{codes[i]} << (i * bits % 8));
  return bytes;
}

HaloDecisions::Codes unpacked(Decided what, const NotedCodes& noted) {
  HaloDecisions::Codes codes(noted.rows);
  const auto bits = static_cast<std::size_t>(bits_of(what));
  for (std::size_t i = 0; i < codes.size(); ++i)
    codes[i] = static_cast<std::uint8_t>(static_cast<unsigned>(noted.bytes[i * bits / 8]) >> (i * bits % 8) &
                                         ((1u << bits) - 1));
  return codes;
}

std::uint64_t checksum_of(Record record, std::span<const std::byte> packed) {
  record.checksum = 0;
  Checksum checksum;
  checksum.add(std::as_bytes(std::span(&record, 1)));
  checksum.add(packed);
  return checksum.value();
}

DecisionKey key_of(const Record& record) {
  return {record.step, record.layer, record.backward != 0, static_cast<Decided>(record.what), record.peer};
}

template <class T>
std::string_view text_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

struct Log {
  std::optional<Head> head;  ///< nothing: no log
  std::map<DecisionKey, NotedCodes> decisions;
  std::size_t whole = 0;   ///< bytes of whole records, the head's with them
  std::size_t before = 0;  ///< of those of the steps before `begin`
  bool cut = false;        ///< something follows that is no whole record
};

/// The records from the front on that are whole.
Log read_log(const fs::path& path, std::uint32_t begin) {
  const MappedFile file(path);
  Log log;
  std::span<const std::byte> bytes(file.data(), file.size());
  if (bytes.size() < sizeof(Head)) return log;
  Head head;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.magic != kMagic) return log;
  log.head = head;
  log.whole = log.before = sizeof head;
  while (log.whole < bytes.size()) {
    const auto rest = bytes.subspan(log.whole);
    Record record;
    log.cut = true;
    if (rest.size() < sizeof record) break;
    std::memcpy(&record, rest.data(), sizeof record);
    if (record.what > static_cast<std::uint8_t>(Decided::rung)) break;
    const std::size_t size = packed_bytes(static_cast<Decided>(record.what), record.rows);
    if (rest.size() - sizeof record < size) break;
    const auto body = rest.subspan(sizeof record, size);
    if (checksum_of(record, body) != record.checksum) break;
    log.cut = false;
    log.whole += sizeof record + size;
    if (record.step < begin) log.before = log.whole;
    log.decisions[key_of(record)] = {record.rows, {body.begin(), body.end()}};
  }
  return log;
}

bool owned_by(const Head& head, const DecisionOwner& owner) {
  return DecisionOwner{head.ranks, head.rank, head.nodes} == owner;
}

}  // namespace

// Steps come in order, so what is kept is the front of the file.
void HaloDecisions::note_in(const fs::path& file, const DecisionOwner& owner, std::uint32_t begin) {
  std::string kept;
  if (begin > 0 && fs::exists(file)) {
    const Log log = read_log(file, begin);
    if (log.head && owned_by(*log.head, owner)) {
      const MappedFile old(file);
      kept.assign(reinterpret_cast<const char*>(old.data()), log.before);
    }
  }
  if (kept.empty()) kept = text_of(Head{kMagic, owner.ranks, owner.rank, owner.nodes});
  fs::create_directories(file.parent_path());
  write_text_file(file, kept);
  noted_ = file;
  out_.open(file, std::ios::binary | std::ios::app);
  if (!out_) throw InputError(file.string() + ": cannot be written");
}

void HaloDecisions::follow(const fs::path& file, const DecisionOwner& owner) {
  Log log = read_log(file, 0);
  if (!log.head) throw InputError(file.string() + ": is no log of decisions");
  if (!owned_by(*log.head, owner))
    throw InputError(
        fmt::format("{}: has the decisions of rank {} of {}, of other parts than those of rank {} of {}",
                    file.string(), log.head->rank, log.head->ranks, owner.rank, owner.ranks));
  if (log.cut) throw CorruptError(fmt::format("{}: is damaged behind byte {}", file.string(), log.whole));
  followed_ = file;
  answers_ = std::move(log.decisions);
}

std::optional<HaloDecisions::Codes> HaloDecisions::followed(const DecisionKey& key, std::int64_t rows) const {
  if (!answers_) return {};
  const auto found = answers_->find(key);
  if (found == answers_->end() || std::int64_t{found->second.rows} != rows)
    throw InputError(fmt::format(
        "{}: has no decision of step {}, layer {}, {}, rank {} about {} rows: it is of another protocol, of "
        "other settings or of fewer epochs",
        followed_.string(), key.step, key.layer, key.backward ? "backward" : "forward", key.peer, rows));
  return unpacked(key.what, found->second);
}

HaloDecisions::Codes HaloDecisions::settled(const DecisionKey& key, std::int64_t rows,
                                            const std::function<Codes()>& decide) {
  const std::optional<Codes> answer = followed(key, rows);
  const Codes codes = answer ? *answer : decide();
  if (!out_.is_open()) return codes;
  const std::vector<std::byte> body = packed(key.what, codes);
  Record record{.step = key.step,
                .layer = static_cast<std::uint16_t>(key.layer),
                .backward = static_cast<std::uint8_t>(key.backward ? 1 : 0),
                .what = static_cast<std::uint8_t>(key.what),
                .peer = key.peer,
                .rows = static_cast<std::uint32_t>(codes.size())};
  record.checksum = checksum_of(record, body);
  out_ << text_of(record);
  out_.write(reinterpret_cast<const char*>(body.data()), static_cast<std::streamsize>(body.size()));
  if (!out_) throw InputError(noted_.string() + ": cannot be written");
  return codes;
}

fs::path decision_file(const fs::path& folder, int rank) {
  return folder / fmt::format("rank-{:05}.log", rank);
}

}  // namespace kith
