#include "kith/exec/halo/frames.h"

namespace kith {

std::optional<FrameBytes> NearestFrames::known_bytes(const HaloFrame& frame) const {
  const std::int64_t header = frame.rows() * quantised_row_bytes(bits_, 0);
  return FrameBytes{most_bytes(frame) - header, header};
}

std::int64_t NearestFrames::most_bytes(const HaloFrame& frame) const {
  return frame.rows() * quantised_row_bytes(bits_, frame.cols);
}

void NearestFrames::append(const Backend& on, const HaloFrame& frame, ConstTensor x, Tensor said,
                           std::vector<std::byte>& out) const {
  std::byte* wire = appended(out, most_bytes(frame));
  quantise_rows_to_nearest(on, x, bits_, wire);
  dequantise_rows(on, wire, bits_, said);
}

void NearestFrames::read(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
                         Tensor y) const {
  dequantise_rows(on, taken(bytes, most_bytes(frame)).data(), bits_, y);
}

std::optional<FrameBytes> RowFrames::known_bytes(const HaloFrame& frame) const {
  const std::int64_t header = encode_->header_bytes(frame.cols);
  return FrameBytes{frame.rows() * (encode_->row_bytes(frame.cols) - header), frame.rows() * header};
}

std::int64_t RowFrames::most_bytes(const HaloFrame& frame) const {
  return frame.rows() * encode_->row_bytes(frame.cols);
}

FrameBytes RowFrames::pack(const Backend& on, const HaloFrame& frame, ConstTensor x,
                           std::vector<std::byte>& out) {
  encode_->encode(on, {.x = x, .rows = {}, .ids = frame.ids, .draws = frame.draws},
                  appended(out, most_bytes(frame)));
  return *known_bytes(frame);
}

void RowFrames::unpack(const Backend& on, const HaloFrame& frame, std::span<const std::byte> bytes,
                       Tensor y) {
  encode_->decode(on, taken(bytes, most_bytes(frame)).data(), y);
}

namespace {

DecisionKey key_of(const HaloFrame& frame, Decided what) {
  return {frame.pass.step, frame.pass.layer, frame.pass.backward, what, frame.peer.value()};
}

}  // namespace

HaloDecisions::Codes settled(const HaloFrame& frame, Decided what,
                             const std::function<HaloDecisions::Codes()>& decide) {
  return frame.decisions == nullptr ? decide()
                                    : frame.decisions->settled(key_of(frame, what), frame.rows(), decide);
}

std::optional<HaloDecisions::Codes> followed(const HaloFrame& frame, Decided what) {
  if (frame.decisions == nullptr) return {};
  return frame.decisions->followed(key_of(frame, what), frame.rows());
}

std::vector<std::uint8_t> HaloSelect::decided(const HaloFrame& frame, ConstTensor) {
  return std::vector<std::uint8_t>(static_cast<std::size_t>(frame.rows()), 1);
}

std::span<const std::byte> taken(std::span<const std::byte>& bytes, std::int64_t count) {
  if (count < 0 || std::ssize(bytes) < count)
    throw CorruptError(
        with_facts("a halo frame ends inside a row", {{"bytes left", bytes.size()}, {"wanted", count}}));
  const auto front = bytes.first(static_cast<std::size_t>(count));
  bytes = bytes.subspan(static_cast<std::size_t>(count));
  return front;
}

std::byte* appended(std::vector<std::byte>& out, std::int64_t count) {
  out.resize(out.size() + static_cast<std::size_t>(count));
  return out.data() + (out.size() - static_cast<std::size_t>(count));
}

}  // namespace kith
