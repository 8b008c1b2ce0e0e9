#!/usr/bin/env bash
# Installs the Debian packages Kith needs and builds the preset PRESET (release) in build/PRESET.
# Does nothing that is done already. Needs root or sudo only when a package is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${PRESET:-release}

packages=(
  g++ cmake ninja-build pkg-config python3 clang-format
  mpich libmpich-dev libmetis-dev libtbb-dev libhwy-dev libopenblas-pthread-dev zlib1g-dev libzstd-dev
  libcli11-dev nlohmann-json3-dev libspdlog-dev libfmt-dev libtomlplusplus-dev
  libgtest-dev libgmock-dev libbenchmark-dev
)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing_packages() {
  local package
  for package in "${packages[@]}"; do installed "$package" || printf '%s\n' "$package"; done
}

install_packages() {
  local missing plan as_root=()
  mapfile -t missing < <(missing_packages)
  if [ "${#missing[@]}" -eq 0 ]; then say "all ${#packages[@]} packages are installed"; return; fi
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "run as root, or install sudo: these packages are missing: ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  # Open MPI would silently take over mpicc and mpiexec.
  plan=$("${as_root[@]}" apt-get install --simulate --no-install-recommends "${missing[@]}")
  if grep -qE '^Inst (openmpi-bin|libopenmpi)' <<<"$plan"; then
    fail "these packages would pull Open MPI, which cannot be mixed with MPICH: ${missing[*]}"
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}

check_mpi() {
  local flags
  flags=$(mpicc -show)
  case "$flags" in
    *mpich*) ;;
    *) fail "mpicc is not MPICH ($flags); choose it: update-alternatives --config mpi" ;;
  esac
}

build() {
  local options=(-DKITH_WERROR=OFF)
  [ "${CI:-}" = true ] && options=(-DKITH_WERROR=ON)
  if command -v ccache >/dev/null; then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  say "building build/$preset"
  cmake --preset "$preset" "${options[@]}" >/dev/null
  # One compiler per core, and no more than the memory carries.
  local jobs memory_gib
  jobs=$(nproc)
  memory_gib=$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)
  if [ "$jobs" -gt "$((memory_gib + 1))" ]; then jobs=$((memory_gib + 1)); fi
  cmake --build --preset "$preset" --parallel "$jobs" -- "${ninja_targets[@]}"
  say "built build/$preset"
}

# `setup.sh kith kith-metis` builds these programs only.
ninja_targets=("$@")
install_packages
check_mpi
build
