#pragma once
#include <functional>

#include "kith/exec/tape.h"

namespace kith::test {

/// A composition of ops over parameters alone (inputs are parameters too, so that all gradients are seen).
using Composition = std::function<Var(Tape& tape, const Parameters& parameters)>;

/// Compares the tape's gradients of L = Σ r ∘ y, for fixed random r, with central differences of every
/// element.
void expect_gradients(Parameters& parameters, const Composition& compose, const char* what);

/// The tape of the checks: in training, with a seed and a step.
Tape training_tape();
/// A fixed random matrix with elements in ±[0.1, 1): away from the kinks at 0.
Matrix random_matrix(std::int64_t rows, std::int64_t cols, std::uint64_t seed);
void set_random(Parameter& parameter, std::uint64_t seed);
/// Σ a ∘ b in fp64.
double dot(ConstTensor a, ConstTensor b);

}  // namespace kith::test
