#!/usr/bin/env bash
# gpu.sh [RESULTS]: on a GPU host, all CUDA tests and then the benchmarks, each under a time limit, in one call of
# under nine minutes without network. Runs beside what gpu_bundle.sh packed, or from the source tree after a build
# (BUILD, build/release). CUDA's libraries are looked for in the toolkit and in a Python environment's `nvidia`
# packages. Writes JSON and logs to RESULTS (bench/results/gpu-<date>-<device>); exits non-zero if a test failed. Real
# graphs are measured where the bundle, or KITH_DATA_DIR, has them, and PyTorch and PyG where this host's python3 has them.
set -uo pipefail
deadline=$((SECONDS + 520))
here=$(dirname "$(realpath "$0")")
if [ -x "$here/bin/kith" ]; then
  kith=$here/bin/kith tests=$here/bin/kith_cuda_tests bench=$here/bin/kith_gpu_bench mpiexec=$here/bin/mpiexec
  data=$here/data peers=$here/peers.py
  export LD_LIBRARY_PATH=$here/lib:${LD_LIBRARY_PATH:-}
else
  build=$(realpath "${BUILD:-$here/../build/release}")
  kith=$build/bin/kith tests=$build/tests/cuda/kith_cuda_tests bench=$build/bench/gpu/kith_gpu_bench mpiexec=mpiexec
  data=${KITH_DATA_DIR:-/none} peers=$here/../bench/gpu/peers.py
fi

say() { printf 'gpu: %s\n' "$*"; }
device=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -1 | tr ' /' '--')
if [ -z "$device" ]; then say "no GPU here: nothing was run"; exit 2; fi
results=${1:-$here/../bench/results/gpu-$(date +%Y-%m-%d)-$device}
mkdir -p "$results"
results=$(realpath "$results")
nvidia-smi >"$results/nvidia-smi.txt"

# Where NVIDIA's libraries are: the first of the loader, the toolkit, Python.
nvidia_packages=$(python3 -c 'import nvidia; print(list(nvidia.__path__)[0])' 2>/dev/null || true)
found() {
  local name=$1 folder
  if ldconfig -p | grep -q "$name"; then ldconfig -p | awk -v n="$name" '$1 == n {print $NF; exit}'; return; fi
  for folder in "${CUDA_HOME:-/usr/local/cuda}/lib64" "$nvidia_packages"; do
    if [ -d "$folder" ] && find -L "$folder" -name "$name" -print -quit | grep .; then return; fi
  done
}
KITH_CUBLASLT=$(found libcublasLt.so.13)
KITH_NCCL=$(found libnccl.so.2)
cusparse=$(found libcusparse.so.12)
export KITH_CUBLASLT KITH_NCCL
LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}:$(dirname "${KITH_CUBLASLT:-/none}"):$(dirname "${cusparse:-/none}")
export LD_LIBRARY_PATH
say "cuBLASLt ${KITH_CUBLASLT:-none}, NCCL ${KITH_NCCL:-none}, cuSPARSE ${cusparse:-none}" | tee "$results/libraries.txt"
[ -n "$KITH_CUBLASLT" ] || unset KITH_CUBLASLT
[ -n "$KITH_NCCL" ] || unset KITH_NCCL

failed=0
# within LIMIT NAME COMMAND…: under its own limit and what is left of the whole.
within() {
  local limit=$1 name=$2 left=$((deadline - SECONDS))
  shift 2
  [ "$left" -ge 5 ] || return 124
  timeout $((limit < left ? limit : left)) "$@" >"$results/$name.log" 2>&1
}
# run NAME LIMIT COMMAND…: what must pass; measure: what may come to no end in time.
run() {
  local name=$1 limit=$2 code
  shift 2
  within "$limit" "$name" "$@" && { say "$name: passed"; return; }
  code=$?
  say "$name: FAILED ($code), see $results/$name.log"
  tail -5 "$results/$name.log"
  failed=1
}
measure() {
  local name=$1 limit=$2 code
  shift 2
  within "$limit" "$name" "$@" && { say "$name: measured"; return; }
  code=$?
  if [ "$code" -eq 124 ]; then say "$name: did not end in its time"; else
    say "$name: FAILED ($code), see $results/$name.log"; tail -5 "$results/$name.log"; failed=1; fi
}

run tests 150 "$tests" "--gtest_output=json:$results/tests.json"

# A training on the CPU, on the GPU, and on two ranks of one GPU over NCCL, which takes them for two hosts.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export KITH_PROGRESS=none
run generate 60 "$kith" generate planted -o "$work/store" --nodes 20000 --features 64 --seed 1
run partition 60 "$kith" partition "$work/store" -o "$work/parts" -k 2 --method random
common=(--regime full-graph --model sage --hidden 64 --epochs 10 --eval-every 10 --overwrite --resume never)
run train-cpu 60 "$kith" train "$work/store" -o "$work/cpu" "${common[@]}"
run train-cuda 60 "$kith" train "$work/store" -o "$work/cuda" "${common[@]}" --device cuda
# shellcheck disable=SC2016  # the rank's own shell expands it
two=("$mpiexec" -n 2 sh -c 'NCCL_HOSTID=rank$PMI_RANK NCCL_P2P_DISABLE=1 NCCL_SHM_DISABLE=1 NCCL_SOCKET_IFNAME=lo exec "$@"' sh)
run train-nccl 90 "${two[@]}" "$kith" train "$work/parts" -o "$work/nccl" "${common[@]}" --device cuda --gpu-wire nccl --allow-shared-gpu
run train-host 90 "$mpiexec" -n 2 "$kith" train "$work/parts" -o "$work/host" "${common[@]}" --device cuda --gpu-wire host --allow-shared-gpu
# Mini-batches, drawn on the host and on the device.
mini=(--regime mini-batch --model sage --hidden 64 --fanout 10,5,5 --batch-size 512 --epochs 5 --eval-every 5 --overwrite --resume never)
run mini-cpu 60 "$kith" train "$work/store" -o "$work/mini-cpu" "${mini[@]}"
run mini-host 60 "$kith" train "$work/store" -o "$work/mini-host" "${mini[@]}" --device cuda --sample-on host --device-cache none
run mini-cuda 60 "$kith" train "$work/store" -o "$work/mini-cuda" "${mini[@]}" --device cuda --sample-on device
compare='
import json, sys
groups = (("cpu", "cuda", "nccl", "host"), ("mini-cpu", "mini-host", "mini-cuda"))
runs = {name: [json.loads(l)["loss"] for l in open(f"{sys.argv[1]}/{name}/metrics.jsonl")] for names in groups for name in names}
bad = {n: max(abs(a - b) / abs(b) for a, b in zip(runs[n], runs[names[0]])) for names in groups for n in names}
print(json.dumps({"losses": runs, "largest_relative_difference": bad}, indent=1))
sys.exit(any(v > 1e-4 for v in bad.values()))'
run losses 20 python3 -c "$compare" "$work"

# Epochs of GraphSAGE with three layers: 1 M nodes in batches and on the full graph, beside PyTorch and PyG, and 10 M nodes
# in batches. Each run's summary has its seconds, bytes and waits.
sage=(--model sage --layers 3 --hidden 256 --dropout 0.5 --lr 0.003 --device cuda --checkpoint-every 0 --overwrite --resume never)
batches=(--regime mini-batch --fanout 15,10,5 --batch-size 1024)
epochs() {
  local name=$1 store=$2 limit=$3
  shift 3
  measure "$name" "$limit" "$kith" train "$store" -o "$work/$name" "${sage[@]}" "$@" && cp "$work/$name/summary.json" "$results/$name.json"
}
measure generate-1m 60 "$kith" generate planted -o "$work/planted-1m" --nodes 1000000 --degree 25 --features 128 --communities 64 --mixing 0.25 --seed 1
epochs planted-1m-batches "$work/planted-1m" 40 "${batches[@]}" --epochs 5 --eval-every 5
epochs planted-1m-full "$work/planted-1m" 40 --regime full-graph --epochs 10 --eval-every 10
for products in tf32 bf16; do
  epochs "planted-1m-full-$products" "$work/planted-1m" 40 --regime full-graph --epochs 10 --eval-every 10 --gpu-products "$products"
done
if python3 -c 'import torch; torch.cuda.init()' 2>/dev/null; then
  measure peers 90 python3 "$peers" "$work/planted-1m" "$results/peers.json" --hidden 256
else
  say "peers: python3 has no torch that sees a GPU: not measured"
fi
rm -rf "$work/planted-1m"

stores=()
for raw in acl-coauthor cnr-2000/cnr-2000-csr.npz; do
  graph=${raw%%/*}
  [ -e "$data/$raw" ] || continue
  measure "prepare-$graph" 60 "$kith" prepare "$data/$raw" -o "$work/$graph" --undirected && stores+=("$work/$graph")
done
measure bench 170 "$bench" "$results/bench.json" 2097152 50000000 "${stores[@]}"
measure generate-10m 90 "$kith" generate planted -o "$work/planted-10m" --nodes 10000000 --degree 25 --features 128 --communities 64 --mixing 0.25 --seed 1
epochs planted-10m-batches "$work/planted-10m" 90 "${batches[@]}" --epochs 2 --eval-every 2
say "results in $results"
exit $failed
