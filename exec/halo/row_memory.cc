// Saved by link: `<name>.links` has a row of layer, direction and peer for each, and link i its rows in the
// order of store ids: `<name>.<i>.nodes` with the id, the step and whether the row is fresh, and
// `<name>.<i>.values`.
#include <algorithm>

#include "kith/exec/halo/frames.h"

namespace kith {
namespace {

constexpr std::int64_t kNodeColumns = 2 * kNumberColumns + 1;

std::string link_name(const std::string& name, std::int64_t i, const char* what) {
  return name + '.' + std::to_string(i) + '.' + what;
}

template <class Rows>
std::vector<std::int64_t> sorted_ids(const Rows& rows) {
  std::vector<std::int64_t> ids;
  for (const auto& [id, row] : rows) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

RowMemory::Row& RowMemory::row(const HaloFrame& frame, std::int64_t i) {
  auto& link = links_[{frame.pass.layer, frame.pass.backward, frame.peer.value()}];
  Row& row = link[frame.ids[static_cast<std::size_t>(i)].value()];
  if (std::ssize(row.values) != frame.cols) row.values.assign(static_cast<std::size_t>(frame.cols), 0.0f);
  return row;
}

void RowMemory::save(HaloState& state, const std::string& name) const {
  const UseMemory host(nullptr);
  Matrix links(std::ssize(links_), 3);
  std::int64_t number = 0;
  for (const auto& [link, rows] : links_) {
    const std::vector<std::int64_t> ids = sorted_ids(rows);
    const std::int64_t cols = rows.empty() ? 0 : std::ssize(rows.begin()->second.values);
    Matrix nodes(std::ssize(ids), kNodeColumns), values(std::ssize(ids), cols);
    for (std::int64_t i = 0; i < nodes.rows(); ++i) {
      const Row& row = rows.at(ids[static_cast<std::size_t>(i)]);
      float* node = nodes.view().row(i);
      write_number(ids[static_cast<std::size_t>(i)], node);
      write_number(row.step, node + kNumberColumns);
      node[2 * kNumberColumns] = row.fresh ? 1.0f : 0.0f;
      std::copy(row.values.begin(), row.values.end(), values.view().row(i));
    }
    links(number, 0) = static_cast<float>(std::get<0>(link));
    links(number, 1) = std::get<1>(link) ? 1.0f : 0.0f;
    links(number, 2) = static_cast<float>(std::get<2>(link));
    state.put(link_name(name, number, "nodes"), nodes);
    state.put(link_name(name, number, "values"), values);
    ++number;
  }
  state.put(name + ".links", links);
}

void RowMemory::restore(const HaloState& state, const std::string& name) {
  const Matrix& links = state.at(name + ".links", 3);
  links_.clear();
  for (std::int64_t number = 0; number < links.rows(); ++number) {
    const Matrix& nodes = state.at(link_name(name, number, "nodes"), kNodeColumns);
    const Matrix& values = state.at(link_name(name, number, "values"));
    if (values.rows() != nodes.rows())
      throw CorruptError("saved halo state: " + name + " has rows without nodes");
    Rows& rows = links_[{static_cast<int>(links(number, 0)), links(number, 1) != 0,
                         static_cast<int>(links(number, 2))}];
    for (std::int64_t i = 0; i < nodes.rows(); ++i) {
      const float* node = nodes.view().row(i);
      Row& row = rows[read_number(node)];
      row.step = static_cast<std::uint32_t>(read_number(node + kNumberColumns));
      row.fresh = node[2 * kNumberColumns] != 0;
      row.values.assign(values.view().row(i), values.view().row(i) + values.cols());
    }
  }
}

}  // namespace kith
