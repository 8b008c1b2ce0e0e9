#!/bin/bash
# netlab_test.sh [KITH]: ranks on four hosts of a network with 100 µs and 1 Gbit/s, made on this machine (network_hosts.sh).
# Ends with 77 (skipped), saying so, without root or iproute2. KEEP=1 leaves the folder for a look.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kith=$(realpath "${1:-$here/../build/release/bin/kith}")
if [ "$(id -u)" != 0 ] || ! command -v ip > /dev/null || [ ! -e /dev/net/tun ]; then
  echo "netlab_test: skipped, network namespaces need root, iproute2 and /dev/net/tun"
  exit 77
fi

folder=$(mktemp -d /tmp/kith-netlab-XXXXXX)
leave() {
  "$here/network_hosts.sh" down || true
  [ -n "${KEEP:-}" ] && echo "kept $folder" || rm -rf "$folder"
}
trap leave EXIT
export KITH_PROGRESS=none
cd "$folder"

say() { echo "netlab_test: $*"; }
fail() {
  say "FAILED: $*"
  tail -n 40 ./*.log 2> /dev/null || true
  exit 1
}
hosts() { "$here/network_hosts.sh" "$@"; }
# What training computed, without the seconds that it took.
scores() { sed -E 's/"[a-z_]*seconds[a-z_]*":[^,}]*//g' "$1/metrics.jsonl"; }
seconds_of() { python3 -c 'import json, sys; print("{:.3f}".format(json.load(open(sys.argv[1]))["seconds_per_epoch"]))' "$1/summary.json"; }
figure() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }
bytes_of() { python3 -c 'import json, sys; print(int(json.load(open(sys.argv[1]))["ledger"]["halo"]["bytes"]))' "$1/summary.json"; }
training() { echo "--model gcn --layers 3 --hidden 32 --regime full-graph --epochs 8 --dropout 0.5 --threads 1 --seed 5 $*"; }

"$kith" generate planted -o store --nodes 4000 --degree 12 --communities 8 --classes 5 --features 24 --seed 1 > /dev/null
"$kith" partition store -o parts -k 4 > /dev/null

# Every protocol computes and sends over a network what it does on one host.
compare() {
  local name=$1
  hosts mpi 4 "$kith" train parts -o "far-$name" $(training "${@:2}") > "far-$name.log" 2>&1 || fail "$name over the network"
  mpiexec -n 4 "$kith" train parts -o "near-$name" $(training "${@:2}") > "near-$name.log" 2>&1 || fail "$name on one host"
  cmp -s <(scores "far-$name") <(scores "near-$name") || fail "$name: another training over the network"
  [ "$(bytes_of "far-$name")" = "$(bytes_of "near-$name")" ] || fail "$name: other bytes over the network"
  say "  $name: the same training, $(bytes_of "far-$name") bytes of halo, $(seconds_of "far-$name") s an epoch there, $(seconds_of "near-$name") here"
}

say "four hosts, 100 µs, 1 Gbit/s"
hosts up 4 1 100
hosts mpi 2 "$kith" bench net --repetitions 5 --json net.json > net.log 2>&1 || fail "kith bench net"
say "  kith bench net: $(figure net.json between_hosts_net)"
python3 -c 'import json; f = json.load(open("net.json")); assert f["between_hosts_alpha_us"] > 90 and f["between_hosts_gbps"] < 1.05, f' || fail "this is no such network"
compare exact --protocol exact
compare point-to-point --plan halo-rows --schedule sync
compare quant --protocol quant:bits=4
compare pipegcn --protocol pipegcn
compare sancus --protocol sancus:eps=0.05
hosts mpi 4 "$kith" train parts -o far-mini --model sage --layers 2 --hidden 16 --regime mini-batch --fanout 5,5 --batch-size 64 --epochs 3 \
  --threads 1 > far-mini.log 2>&1 || fail "mini-batches over the network"
mpiexec -n 4 "$kith" train parts -o near-mini --model sage --layers 2 --hidden 16 --regime mini-batch --fanout 5,5 --batch-size 64 --epochs 3 \
  --threads 1 > near-mini.log 2>&1 || fail "mini-batches on one host"
cmp -s <(scores far-mini) <(scores near-mini) || fail "mini-batches: another training over the network"
say "  mini-batches: the same training"

say "the same, one frame of 500 lost"
hosts up 4 1 100 0.002
compare lossy --protocol exact

say "a wire is cut in the midst of a training"
hosts up 4 1 100
set +e
(
  until [ -s cut/metrics.jsonl ]; do sleep 0.2; done
  "$here/network_hosts.sh" cut 3
) &
cutter=$!
hosts mpi 4 "$kith" train parts -o cut $(training --epochs 1000000) --no-progress-limit 5 > cut.log 2>&1
code=$?
wait $cutter
set -e
[ $code -ne 0 ] || fail "a training without a host ended well"
grep -q 'waiting for rank 2 on host kith3\|rank 2' cut.log cut/rank-*.log || fail "nobody names rank 2 of host kith3"
say "  ended with $code: $(grep -ho "no progress for .*waiting for rank[^;]*" cut.log cut/rank-*.log | head -n 1)"
say "passed"
