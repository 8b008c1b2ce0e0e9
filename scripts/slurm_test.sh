#!/bin/bash
# slurm_test.sh [KITH]: the life of a Kith job in a real Slurm, brought up for the test on this host's loopback.
# Ends with 77 (skipped), saying so, where Slurm is not installed. KEEP=1 leaves the folder for a look.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kith=$(realpath "${1:-$here/../build/release/bin/kith}")
for tool in munged slurmctld slurmd srun mpiexec; do
  command -v "$tool" > /dev/null || {
    echo "slurm_test: skipped, $tool is not installed (apt-get install --no-install-recommends slurm-wlm munge)"
    exit 77
  }
done

folder=$(mktemp -d /tmp/kith-slurm-XXXXXX)
leave() {
  "$here/slurm_cluster.sh" down "$folder/cluster" || true
  [ -n "${KEEP:-}" ] && echo "kept $folder" || rm -rf "$folder"
}
trap leave EXIT
mkdir "$folder/cluster"
"$here/slurm_cluster.sh" up "$folder/cluster"
export SLURM_CONF=$folder/cluster/slurm.conf KITH_PROGRESS=none
cd "$folder"

say() { echo "slurm_test: $*"; }
fail() {
  say "FAILED: $*"
  tail -n 40 ./*.log 2> /dev/null || true
  exit 1
}
# wait_for SECONDS WHAT COMMAND…
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "no $what"
    sleep 0.3
  done
}
epochs_of() { wc -l 2> /dev/null < "$1/metrics.jsonl" || echo 0; }
has_epochs() { [ "$(epochs_of "$1")" -ge "$2" ]; }
state_of() { scontrol -o show job "$1" | grep -o 'JobState=[A-Z]*' | cut -d= -f2; }
not_running() { [ "$(state_of "$1")" != RUNNING ]; }
in_state() { [ "$(state_of "$1")" = "$2" ]; }
restarts_of() { scontrol -o show job "$1" | grep -o 'Restarts=[0-9]*' | cut -d= -f2; }
checkpointed() { grep -qs 'checkpointed after epoch' "$1.log"; }
epoch_numbers() { grep -o '"epoch":[0-9]*' "$1/metrics.jsonl" | cut -d: -f2; }
scores() { sed -E 's/"seconds":[^,}]*//' "$1/metrics.jsonl"; }

# The settings of an endless run; `finish` lets it end soon.
write_run() {
  printf '%s\n' 'data = "parts"' "output = \"$1\"" 'model = "gcn"' 'regime = "full-graph"' 'hidden = 16' 'seed = 3' \
    'checkpoint-every = 1000000' "epochs = $2" > "$1.toml"
}
finish() { sed -i "s/^epochs = .*/epochs = $(($(epochs_of "$1") + 200))/" "$1.toml"; }
submit() {
  "$kith" slurm "$1.toml" --nodes 2 --ranks-per-node 1 --time 60 --job-name "$1" > "$1.sh"
  sbatch --parsable -o "$1.log" "${@:2}" "$1.sh"
}
# The ranks' last step is the first they do after the restart, and every epoch stands in the metrics once.
expect_no_epoch_lost() {
  local stopped resumed
  stopped=$(grep -o 'checkpointed after epoch [0-9]*' "$1.log" | head -n 1 | grep -o '[0-9]*$') || fail "$1: no checkpoint"
  resumed=$(grep -o 'resumed after epoch [0-9]*' "$1.log" | head -n 1 | grep -o '[0-9]*$') || fail "$1: not resumed"
  [ "$stopped" = "$resumed" ] || fail "$1: stopped after epoch $stopped, resumed after $resumed"
  epoch_numbers "$1" | cmp -s - <(seq "$(epochs_of "$1")") || fail "$1: an epoch is missing or stands twice"
  say "  $(grep -o '[^:]*: checkpointed after epoch [0-9]*' "$1.log" | head -n 1 | sed 's,^ ,,'), resumed after epoch $resumed, finished after $(epochs_of "$1")"
}
# A requeued job waits some seconds before it starts, and reads its settings then.
expect_finish() {
  finish "$1"
  wait_for 120 "end of $1" in_state "$2" COMPLETED
  [ -e "$1/DONE" ] || fail "$1: completed without DONE"
  [ "$(restarts_of "$2")" -gt 0 ] || fail "$1: was not requeued"
}

"$kith" generate planted -o store --nodes 2000 --degree 10 --communities 4 --classes 4 --features 16 --seed 1 > /dev/null
"$kith" partition store -o parts -k 2 > /dev/null
say "$(srun --version), $(sinfo -h -o '%D nodes of %c cores' | head -n 1)"

say "two tasks of srun reach what two ranks of mpiexec reach"
write_run by-mpiexec 20
write_run by-srun 20
mpiexec -n 2 "$kith" train by-mpiexec.toml > by-mpiexec.log 2>&1 || fail mpiexec
srun -N2 -n2 --mpi=pmi2 "$kith" train by-srun.toml > by-srun.log 2>&1 || fail srun
cmp -s <(scores by-mpiexec) <(scores by-srun) || fail "the epochs of mpiexec and srun differ"
say "  the same loss and accuracy in every one of $(epochs_of by-srun) epochs"

say "srun without --mpi=pmi2 is refused, with the fix"
write_run alone 20
code=0
srun -N2 -n2 --mpi=none "$kith" train alone.toml > alone.log 2>&1 || code=$?
[ "$code" = 2 ] && grep -q "'srun --mpi=pmi2" alone.log || fail "exit code $code"
[ ! -e alone ] || fail "a refused run left a folder"
say "  exit code 2: $(grep -o 'this Slurm step.*' alone.log | head -n 1)"

say "a job that is preempted goes on in the queue's next round and loses no epoch"
write_run preempted 100000000
job=$(submit preempted)
wait_for 60 "epoch" has_epochs preempted 3
sbatch --parsable -p high -N2 --exclusive -o high.log --wrap 'sleep 2' > /dev/null
wait_for 60 "checkpoint" checkpointed preempted
expect_finish preempted "$job"
expect_no_epoch_lost preempted

say "a job whose shell is asked to end by TERM goes on after a requeue and loses no epoch"
write_run asked 100000000
job=$(submit asked)
wait_for 60 "epoch" has_epochs asked 3
scancel --batch --signal=TERM "$job"
wait_for 60 "checkpoint" checkpointed asked
expect_finish asked "$job"
expect_no_epoch_lost asked

say "a job that hits its time limit finishes after a requeue"
write_run limited 100000000
job=$(submit limited --time=1 --signal=B:USR1@30)
wait_for 120 "checkpoint" checkpointed limited
# Between its end and its place in the queue a job takes no changes.
wait_for 30 "new time limit" scontrol update JobId="$job" TimeLimit=60 2> /dev/null
expect_finish limited "$job"
expect_no_epoch_lost limited

say "a job whose rank is killed goes on from its last checkpoint"
write_run killed 100000000
sed -i 's/^checkpoint-every.*/checkpoint-every = 1/' killed.toml
job=$(submit killed)
wait_for 60 "epoch" has_epochs killed 3
for process in /proc/[0-9]*; do
  tr '\0' '\n' 2> /dev/null < "$process/environ" | grep -qx "SLURM_JOB_ID=$job" || continue
  tr '\0' '\n' 2> /dev/null < "$process/environ" | grep -qx 'SLURM_PROCID=1' || continue
  [ "$(readlink "$process/exe")" = "$kith" ] && kill -KILL "${process#/proc/}"
done
wait_for 60 "end of the step" not_running "$job"
expect_finish killed "$job"
epoch_numbers killed | cmp -s - <(seq "$(epochs_of killed)") || fail "killed: an epoch is missing or stands twice"
say "  $(grep -o 'resumed after epoch [0-9]*' killed.log | head -n 1), finished after $(epochs_of killed)"

say "passed"
