#!/bin/bash
# A whole Slurm on this host's loopback, for tests: slurm_cluster.sh up|down FOLDER
# Everything (key, sockets, state, logs) lies in FOLDER; no service of the system is touched, and root is not needed.
# After `up`: export SLURM_CONF=FOLDER/slurm.conf. Two nodes of two cores; NODES and BASE_PORT change that.
# Packages (Debian): apt-get install --no-install-recommends slurm-wlm munge
set -euo pipefail

nodes=${NODES:-2}
action=$1
folder=$2

write_configuration() {
  local port=${BASE_PORT:-$((20000 + $$ % 10000))}
  cat > "$folder/slurm.conf" <<CONF
ClusterName=kith
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
# A requeued job may start when its old credential has expired.
AuthInfo=socket=$folder/munge.socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd-%n.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=preempt_send_user_signal,batch_sched_delay=0,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
RequeueExit=75
ReturnToService=2
KillWait=5
MinJobAge=3600
PropagateResourceLimits=NONE
NodeName=n[1-$nodes] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + nodes))] CPUs=2
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 GraceTime=30
PartitionName=high Nodes=ALL MaxTime=INFINITE PriorityTier=10
CONF
}

start() {
  mkdir -p "$folder/state" "$folder/spool"
  (umask 077; head -c 1024 /dev/urandom > "$folder/munge.key")
  munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
         --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
  write_configuration
  export SLURM_CONF=$folder/slurm.conf
  slurmctld -i > "$folder/slurmctld.out" 2>&1 < /dev/null
  for node in $(seq "$nodes"); do
    mkdir -p "$folder/spool/n$node"
    slurmd -N "n$node" > "$folder/slurmd-n$node.out" 2>&1 < /dev/null
  done
  for _ in $(seq 150); do
    [ "$(sinfo -h -N -p low -o %T 2> /dev/null | grep -c idle)" = "$nodes" ] && return
    sleep 0.2
  done
  tail -n 5 "$folder"/*.log "$folder"/*.out >&2
  echo "slurm_cluster: the nodes do not come up" >&2
  return 1
}

# Only what this folder's pid files name, and only while the process still is what it was.
stop_daemon() {
  local pid
  pid=$(cat "$1" 2> /dev/null) || return 0
  [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = "$2" ] || return 0
  kill -TERM "$pid"
  for _ in $(seq 50); do
    [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = "$2" ] || return 0
    sleep 0.1
  done
  kill -KILL "$pid"
}

stop() {
  export SLURM_CONF=$folder/slurm.conf
  timeout 10 scancel -u "$(id -un)" 2> /dev/null || true
  for _ in $(seq 50); do
    [ -z "$(timeout 5 squeue -h 2> /dev/null)" ] && break
    sleep 0.2
  done
  for node in $(seq "$nodes"); do stop_daemon "$folder/slurmd-n$node.pid" slurmd; done
  stop_daemon "$folder/slurmctld.pid" slurmctld
  stop_daemon "$folder/munged.pid" munged
}

case $action in
  up) start ;;
  down) stop ;;
  *) echo "slurm_cluster: $action is neither up nor down" >&2; exit 2 ;;
esac
