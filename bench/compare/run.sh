#!/usr/bin/env bash
# Kith beside PyTorch, PyG, DGL, GraphBolt and SciPy: the same work on the same cores, alternately, in one run.
#   bench/compare/run.sh [--work DIR] [--repeat 5] [--threads 2] [--graphs planted-1m,…] [--kith PATH] [--tiny] [case…]
# Cases: spmm sample mini-batch full-graph gat two-hosts prepare; all without an argument. --tiny: small graphs, to try the harness.
# Peers live in virtual environments under DIR (KITH_PEERS/torch and KITH_PEERS/dgl where that is set); a peer whose
# environment cannot be made is left out, and the table says so. PYG_LIB_WHEEL names a pyg-lib wheel for PyTorch 2.15.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${TMPDIR:-/tmp}/kith-compare kith=build/release/bin/kith
arguments=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --work) work=$2; shift 2 ;;
    --kith) kith=$2; shift 2 ;;
    --repeat | --threads | --graphs) arguments+=("$1" "$2"); shift 2 ;;
    --tiny) arguments+=("$1"); shift ;;
    -*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
    *) arguments+=("$1"); shift ;;
  esac
done
[[ -x $kith ]] || { echo "run.sh: $kith is not there; scripts/setup.sh builds it" >&2; exit 2; }
mkdir -p "$work"
peers=${KITH_PEERS:-$work}
unset KITH_PEERS OPENBLAS_CORETYPE OPENBLAS_L2_SIZE OMP_NUM_THREADS MKL_NUM_THREADS

# environment NAME PACKAGE…: a virtual environment that holds them, made once.
environment() {
  local name=$1; shift
  [[ -e $peers/$name/made ]] && return
  echo "making $peers/$name: $*"
  if ! { python3 -m venv "$peers/$name" && "$peers/$name/bin/pip" install -q "$@" && touch "$peers/$name/made"; }; then
    echo "run.sh: $name cannot be made here: its peers are left out" >&2
  fi
}
environment torch torch==2.15.0 torch-geometric==2.8.1 scipy pymetis kaminpar ${PYG_LIB_WHEEL:+"$PYG_LIB_WHEEL"}
environment dgl torch==2.2.1 "numpy<2" torchdata==0.7.1 pydantic pandas pyyaml scipy "setuptools<80" dgl==2.1.0

driver=python3
for name in torch dgl; do [[ -e $peers/$name/made ]] && driver=$peers/$name/bin/python; done
exec "$driver" bench/compare/compare.py --work "$work" --peers "$peers" --kith "$kith" ${arguments[@]+"${arguments[@]}"}
