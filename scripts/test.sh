#!/usr/bin/env bash
# Builds and runs every test: unit, mpi, cli, style, package. Arguments go to ctest (-L mpi, -R Sampler, …).
# `test.sh --preset asan` (or tsan, debug) does so with that build; under a sanitizer unit and MPI tests only.
# Tests on real graphs run when KITH_DATA_DIR names the folder that holds them.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=release
if [ "${1:-}" = --preset ]; then
  preset=${2:?test.sh: --preset needs a name: release, debug, asan or tsan}
  shift 2
fi

PRESET=$preset scripts/setup.sh
export KITH_PROGRESS="${KITH_PROGRESS:-none}"
# MPI tests book their ranks as processors, so two cores run two unit tests or one two-rank test at a time.
ctest --preset "$preset" --parallel "$(nproc)" "$@"
