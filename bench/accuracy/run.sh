#!/usr/bin/env bash
# Trains the recipes of examples/recipes (all, or those named) on the real graphs of KITH_DATA_DIR with several seeds,
# adds a line per run to the results, and writes the tables of bench/accuracy/README.md from all of them.
#   bench/accuracy/run.sh [--seeds 10] [--ranks 1] [--threads 1] [--kith PATH] [--results FILE] [--work DIR] [recipe…]
# A seed whose result stands there, made by the same settings, is not run again, so an interrupted call goes on where
# it stopped; with --work DIR, which keeps stores and runs, from the last checkpoint of the run it was in.
set -euo pipefail
cd "$(dirname "$0")/../.."
seeds=10 ranks=1 threads=1 kith=build/release/bin/kith results=bench/accuracy/results.csv work=
while [[ $# -gt 0 && $1 == --* ]]; do
  case $1 in
    --seeds) seeds=$2 ;;
    --ranks) ranks=$2 ;;
    --threads) threads=$2 ;;
    --kith) kith=$2 ;;
    --results) results=$2 ;;
    --work) work=$2 ;;
    *) echo "run.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
: "${KITH_DATA_DIR:?KITH_DATA_DIR names the folder of the real graphs}"
if [[ -z $work ]]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
export KITH_PROGRESS=none

# quietly COMMAND…: shows what it printed only if it failed.
quietly() {
  local log
  log=$(mktemp "$work/log.XXXXXX")
  "$@" > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
  rm -f "$log"
}

# made OUT VERB…: the folder OUT, made by `kith VERB…` if it is not there; calls beside this one wait.
made() {
  local out=$1
  shift
  (
    flock 9
    [[ -d $out ]] || quietly "$kith" "$@" -o "$out"
  ) 9> "$out.lock"
  echo "$out"
}

# store RECIPE SEED: prepares a recipe's graph; graphs without a split of their own get one per seed.
store() {
  local graph=${1%%-*} split=own raw=()
  case $graph in
    cora | citeseer) raw=("$KITH_DATA_DIR/planetoid" --name "$graph" --normalize-features row) ;;
    photo) split=$2 raw=("$KITH_DATA_DIR/gnn-benchmark/amazon_electronics_photo.npz") ;;
    cs) split=$2 raw=("$KITH_DATA_DIR/gnn-benchmark/ms_academic_cs.npz" --normalize-features row) ;;
    minesweeper) raw=("$KITH_DATA_DIR/heterophilous/minesweeper.npz" --format heterophilous --split mask:0) ;;
    acl) raw=("$KITH_DATA_DIR/acl-coauthor" --undirected) ;;
    *) echo "run.sh: no graph for recipe $1" >&2; exit 2 ;;
  esac
  [[ $split == own ]] || raw+=(--largest-component --split "per-class:20/30:$split")
  made "$work/$graph-$split" prepare "${raw[@]}"
}

# data RECIPE SEED: the store, or its parts where there are several ranks.
data() {
  local whole
  whole=$(store "$1" "$2")
  [[ $ranks -gt 1 ]] || { echo "$whole"; return; }
  made "$whole-k$ranks" partition "$whole" -k "$ranks"
}

train() {
  local launch=()
  [[ $ranks -eq 1 ]] || launch=(mpiexec -n "$ranks")
  quietly "${launch[@]}" "$kith" train "$1" -o "$2" --config "examples/recipes/$3.toml" --seed "$4" --threads "$threads"
}

recipes=("$@")
[[ ${#recipes[@]} -gt 0 ]] || recipes=($(cd examples/recipes && ls *.toml | sed 's/\.toml$//'))
for recipe in "${recipes[@]}"; do
  for ((seed = 0; seed < seeds; seed++)); do
    python3 bench/accuracy/results.py has "$results" "$recipe" "$seed" "$ranks" && continue
    input=$(data "$recipe" "$seed")
    run=$work/run-$recipe-$seed-$ranks
    train "$input" "$run" "$recipe" "$seed"
    python3 bench/accuracy/results.py add "$results" "$recipe" "$seed" "$ranks" "$run/summary.json"
    rm -rf "$run"
  done
done
python3 bench/accuracy/table.py "$results"
