#!/usr/bin/env bash
# registers.sh OBJECT…: prints registers, stack and spills of every kernel of the objects, as cmake/keep_ptxas_log.sh
# has kept them, and fails where a hot one spills: those that take 16 bytes a lane, which serve rows of 64, 128 and 256
# columns, and the sampler's.
set -euo pipefail
logs=()
for object in "$@"; do [ ! -s "$object.registers" ] || logs+=("$object.registers"); done
[ ${#logs[@]} -gt 0 ] || { echo "no object has a log of its registers" >&2; exit 1; }
cat "${logs[@]}" | c++filt | awk '
  /Compiling entry function/ { name = $0; sub(/.*entry function ./, "", name); sub(/. for .sm.*/, "", name) }
  /spill stores/ { spills = $0; gsub(/^ +/, "", spills) }
  /Used [0-9]+ registers/ {
    registers = $0; sub(/.*Used /, "", registers); sub(/ registers.*/, "", registers)
    hot = name ~ /(LaneColumns<4, [12]>|Fp32, 4, [12],|Bf16, 8, 1,|draw_rows<)/
    printf "%4d registers%s  %s\n      %s\n", registers, hot ? " (hot)" : "", name, spills
    if (!hot) next
    ++found
    if (registers + 0 > most) most = registers + 0
    if (spills !~ /0 bytes spill stores, 0 bytes spill loads/) { printf "      ^ spills\n"; ++bad }
  }
  END {
    printf "%d hot kernels, of at most %d registers, %d of them spill\n", found, most, bad
    exit(bad > 0 || found == 0)
  }'
