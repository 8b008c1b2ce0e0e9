#!/usr/bin/env bash
# Fuzzes every parser with clang's libFuzzer, two at a time, from the whole files of tests/corpus as seeds.
#   scripts/fuzz.sh [SECONDS of each, 10] [parser…]
# A finding ends with its file in build/fuzz/findings. Where clang has no fuzzer runtime it says so and does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10}
[ $# -gt 0 ] && shift

folder=build/fuzz
mkdir -p "$folder/findings"
if ! printf 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }\n' |
    clang++ -fsanitize=fuzzer,address -x c++ - -o "$folder/probe" 2>/dev/null; then
  echo "fuzz: clang++ has no fuzzer runtime here (Debian: clang and libclang-rt-14-dev); the parsers are not fuzzed"
  exit 0
fi
options=()
if command -v ccache >/dev/null; then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
cmake --preset fuzz ${options[@]+"${options[@]}"} >/dev/null
cmake --build --preset fuzz --parallel "$(nproc)" >/dev/null
python3 tests/corpus/seeds.py "$folder/seeds"

fuzz_one() {
  local name=$1 log="$folder/findings/$1.log"
  mkdir -p "$folder/grown/$name" "$folder/seeds/$name"
  # 16 KiB hold every structure; 2 GiB of memory is more than any input of that size may ask for.
  if "$folder/tests/fuzz/fuzz_$name" "$folder/grown/$name" "$folder/seeds/$name" -max_total_time="$seconds" -max_len=16384 \
      -rss_limit_mb=2048 -malloc_limit_mb=1024 -timeout=20 -print_final_stats=1 -artifact_prefix="$folder/findings/$name-" >"$log" 2>&1; then
    printf 'fuzz: %-16s %9s inputs, no finding\n' "$name" "$(awk '/number_of_executed_units/ {print $2}' "$log")"
  else
    printf 'fuzz: %-16s FAILED, see %s\n' "$name" "$log"
    grep -m3 -E 'ERROR|runtime error|what\(\)|Test unit written' "$log" || tail -n 5 "$log"
    return 1
  fi
}
export -f fuzz_one
export folder seconds
if [ $# -eq 0 ]; then
  for program in "$folder"/tests/fuzz/fuzz_*; do
    [ -x "$program" ] && [ -f "$program" ] && set -- "$@" "${program##*/fuzz_}"
  done
fi
printf '%s\n' "$@" | xargs -P 2 -I{} bash -c 'fuzz_one {}'
