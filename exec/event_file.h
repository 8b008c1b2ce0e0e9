#pragma once
#include <filesystem>

namespace kith {

/// Writes RUN/events.out.tfevents.0.kith, which TensorBoard shows (`tensorboard --logdir RUN`): every number
/// of every epoch of metrics.jsonl, under its name ("valid_accuracy"), at its epoch; the time axis is the
/// seconds of training.
void write_event_file(const std::filesystem::path& run);

}  // namespace kith
