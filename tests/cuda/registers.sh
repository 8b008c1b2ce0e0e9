#!/usr/bin/env bash
# registers.sh NVCC ARCHITECTURE SOURCE… -- FLAGS…: prints registers, stack and spills of every kernel of the
# sources, and fails where a hot one spills: those that take 16 bytes a lane, which serve rows of 64, 128 and 256
# columns, and the sampler's.
set -euo pipefail
nvcc=$1 architecture=$2
shift 2
sources=()
while [ "$1" != -- ]; do sources+=("$1"); shift; done
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for source in "${sources[@]}"; do
  "$nvcc" "$@" -cubin -arch="sm_$architecture" -Xptxas -v -o "$work/out.cubin" "$source" 2>>"$work/log"
done
c++filt <"$work/log" | awk '
  /Compiling entry function/ { name = $0; sub(/.*entry function ./, "", name); sub(/. for .sm.*/, "", name) }
  /spill stores/ { spills = $0; gsub(/^ +/, "", spills) }
  /Used [0-9]+ registers/ {
    registers = $0; sub(/.*Used /, "", registers); sub(/ registers.*/, "", registers)
    hot = name ~ /(LaneColumns<4, [12]>|Fp32, 4, [12],|Bf16, 8, 1,|draw_rows<)/
    printf "%4d registers%s  %s\n      %s\n", registers, hot ? " (hot)" : "", name, spills
    if (hot) ++found
    if (hot && spills !~ /0 bytes spill stores, 0 bytes spill loads/) { printf "      ^ spills\n"; ++bad }
  }
  END {
    printf "%d hot kernels, %d of them spill\n", found, bad
    exit(bad > 0 || found == 0)
  }'
