#!/usr/bin/env bash
# Trains every recipe of examples/recipes on the real graphs of KITH_DATA_DIR with several seeds, and writes the table
# of test accuracies or ROC AUCs (mean ± standard deviation of the best-validation model) to bench/accuracy/README.md.
#   bench/accuracy/run.sh [--seeds 5] [--kith PATH] [recipe…]
set -euo pipefail
cd "$(dirname "$0")/../.."
seeds=5 kith=build/release/bin/kith
while [[ $# -gt 0 && $1 == --* ]]; do
  case $1 in
    --seeds) seeds=$2 ;;
    --kith) kith=$2 ;;
    *) echo "run.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
: "${KITH_DATA_DIR:?KITH_DATA_DIR names the folder of the real graphs}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export KITH_PROGRESS=none

# store NAME SEED: prepares a recipe's graph; graphs without a split of their own get one per seed.
store() {
  local out=$work/$1-$2
  [[ -d $out ]] && { echo "$out"; return; }
  case $1 in
    cora | citeseer) set -- "$KITH_DATA_DIR/planetoid" --name "$1" --normalize-features row ;;
    photo) set -- "$KITH_DATA_DIR/gnn-benchmark/amazon_electronics_photo.npz" --largest-component --split "per-class:20/30:$2" ;;
    cs) set -- "$KITH_DATA_DIR/gnn-benchmark/ms_academic_cs.npz" --largest-component --split "per-class:20/30:$2" ;;
    minesweeper) set -- "$KITH_DATA_DIR/heterophilous/minesweeper.npz" --format heterophilous --split mask:0 ;;
    *) echo "run.sh: no graph for recipe $1" >&2; exit 2 ;;
  esac
  "$kith" prepare "$@" -o "$out" > /dev/null
  echo "$out"
}

recipes=("$@")
[[ ${#recipes[@]} -gt 0 ]] || recipes=($(cd examples/recipes && ls *.toml | sed 's/\.toml$//'))
for recipe in "${recipes[@]}"; do
  for ((seed = 0; seed < seeds; seed++)); do
    data=$(store "${recipe%%-*}" "$seed")
    "$kith" train "$data" -o "$work/run-$recipe-$seed" --config "examples/recipes/$recipe.toml" --seed "$seed" \
      > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    python3 - "$work/run-$recipe-$seed/summary.json" "$recipe" "$seed" >> "$work/results" <<'PY'
import json, sys
summary = json.load(open(sys.argv[1]))
metric = summary["metric"]
print(sys.argv[2], sys.argv[3], 100 * summary["test"][metric], 100 * summary["valid"][metric], metric)
PY
    tail -n 1 "$work/results"
  done
done
python3 bench/accuracy/table.py "$work/results" "$seeds"
