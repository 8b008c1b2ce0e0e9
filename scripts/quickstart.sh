#!/usr/bin/env bash
# Kith's main job from nothing, in a few minutes on two cores: packages, build, a generated graph, METIS, then GraphSAGE
# on two ranks by sampled mini-batches with a feature cache, and the same graph full-graph with halo exchange.
# What it makes is in runs/quickstart.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh kith kith-metis
kith=$PWD/build/release/bin/kith
export KITH_PROGRESS="${KITH_PROGRESS:-live}"

rm -rf runs/quickstart
mkdir -p runs/quickstart
cd runs/quickstart

step() {
  printf '\n$ %s\n' "$*" | sed "s|$kith|kith|"
  "$@"
}

step "$kith" generate planted -o graph --nodes 50000 --degree 20 --communities 16 --features 64 --classes 16 \
  --mixing 0.2 --seed 1
step "$kith" partition graph -o parts -k 2 --method metis --balance nodes,train
step mpiexec -n 2 "$kith" train parts -o mini-batch --model sage --regime mini-batch --fanout 10,5 --hidden 64 \
  --batch-size 512 --cache vip:10% --epochs 15
step mpiexec -n 2 "$kith" train parts -o full-graph --model sage --regime full-graph --layers 2 --hidden 64 --epochs 30 \
  --eval-every 5
step "$kith" evaluate mini-batch --data parts --split test

printf '\nThe runs are in %s: summary.json, metrics.jsonl, best.safetensors\n' "$PWD"
