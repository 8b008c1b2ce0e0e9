#!/usr/bin/env bash
# Builds and runs every test: unit, mpi, cli, style, package. Arguments go to ctest (-L mpi, -R Sampler, …).
# Tests on real graphs run when KITH_DATA_DIR names the folder that holds them.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
export KITH_PROGRESS="${KITH_PROGRESS:-none}"
# MPI tests book their ranks as processors, so two cores run two unit tests or one two-rank test at a time.
ctest --test-dir build/release --output-on-failure --parallel "$(nproc)" "$@"
