#!/usr/bin/env bash
# Lists of edges to a finished store, from a warm page cache: MB/s of text, for numbers and texts, and sorted on disk.
# usage: text.sh KITH [EDGES] [FOLDER]     each line is the best of three
set -euo pipefail
kith=$(realpath "$1")
edges=${2:-25000000}
folder=$(mktemp -d "${3:-/tmp}/kith-text-XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# A linear congruence draws the ends: the same text everywhere.
draw() {
  awk -v m="$edges" -v format="$1" 'BEGIN {
    x = 1; n = 1000003
    for (e = 0; e < m; ++e) {
      x = (x * 1103515245 + 12345) % 2147483648; a = x % n
      x = (x * 1103515245 + 12345) % 2147483648; b = x % n
      printf format, a, b
    }
  }'
}

best() {
  local name=$1 file=$2 least=
  shift 2
  cat "$file" >/dev/null
  for _ in 1 2 3; do
    rm -rf store
    local begin end
    begin=$(date +%s%N)
    KITH_PROGRESS=none "$kith" prepare "$file" -o store "$@" >/dev/null
    end=$(date +%s%N)
    [ -n "$least" ] && [ "$least" -le $((end - begin)) ] || least=$((end - begin))
  done
  awk -v name="$name" -v ns="$least" -v bytes="$(stat -c %s "$file")" -v m="$(wc -l <"$file")" 'BEGIN {
    printf "%-28s %7.0f MB %7.2f s %7.0f MB/s %7.1f M edges/s\n", name, bytes / 1e6, ns / 1e9, bytes * 1e3 / ns, m * 1e3 / ns }'
}

draw '%d\t%d\n' >numbers.tsv
best "numbers" numbers.tsv
best "numbers, undirected" numbers.tsv --undirected
best "numbers, limit 200M" numbers.tsv --memory-limit 200M
best "numbers, --ids map" numbers.tsv --ids map
head -n $((edges / 3)) numbers.tsv | awk -F'\t' '{ printf "user_%d,%d.item\n", $1, $2 }' >texts.csv
best "texts" texts.csv
