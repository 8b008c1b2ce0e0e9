#!/usr/bin/env bash
# Several hosts on one machine: network namespaces with a wire each, and their own memory for shared segments, so that whatever crosses
# between them crosses the network. Needs root and iproute2.
#   network_hosts.sh up HOSTS GIGABITS [DELAY_US [LOSS]]   kith1 … kithN at 10.78.0.1 …; with a delay behind delaying_switch.py
#   network_hosts.sh down
#   network_hosts.sh on HOST COMMAND…                      on host 1, 2, …; host i has the core i − 1, or shares it
#   network_hosts.sh mpi RANKS COMMAND…                    ranks over all hosts in turn, by TCP
#   network_hosts.sh cut HOST                              pulls a host's wire
set -euo pipefail
here=$(readlink -f "$0")
network=10.78.0
run=/run/kith-network

hosts() { ip netns list | awk '$1 ~ /^kith[0-9]+$/ {print substr($1, 5)}' | sort -n; }

# A bridge of the kernel, and wires that pass so many gigabits each way.
join_by_bridge() {
  ip netns add kith0
  ip -n kith0 link add bridge type bridge
  ip -n kith0 link set bridge up
  for ((host = 1; host <= $1; ++host)); do
    ip link add eth0 netns kith$host type veth peer name port$host netns kith0
    ip -n kith0 link set port$host master bridge up
    ip netns exec kith$host tc qdisc replace dev eth0 root tbf rate "$2"gbit burst 4mb latency 20ms
  done
}

# HOSTS GIGABITS DELAY_US LOSS
join_by_switch() {
  : > $run/switch
  setsid "${here%/*}/delaying_switch.py" $(seq -f 'kith%g' "$1") --gigabits "$2" --delay-us "$3" --loss "$4" > $run/switch 2>&1 < /dev/null &
  echo $! > $run/switch.pid
  until grep -q ready $run/switch; do
    kill -0 "$(cat $run/switch.pid)" 2> /dev/null || { cat $run/switch >&2; exit 1; }
    sleep 0.1
  done
}

up() {
  local count=$1 gigabits=$2 delay=${3:-0} loss=${4:-0}
  down
  mkdir -p $run
  for ((host = 1; host <= count; ++host)); do ip netns add kith$host; done
  if [ "$delay" = 0 ]; then join_by_bridge "$count" "$gigabits"; else join_by_switch "$count" "$gigabits" "$delay" "$loss"; fi
  for ((host = 1; host <= count; ++host)); do
    ip -n kith$host link set lo up
    ip -n kith$host addr add $network.$host/24 dev eth0
    ip -n kith$host link set eth0 up
    mkdir -p /etc/netns/kith$host
    {
      echo 127.0.0.1 localhost
      for ((other = 1; other <= count; ++other)); do echo $network.$other kith$other; done
    } > /etc/netns/kith$host/hosts
  done
  for ((host = 1; host <= count; ++host)); do
    until ip -n kith$host -o link show eth0 | grep -q LOWER_UP; do sleep 0.1; done
  done
}

down() {
  [ ! -e $run/switch.pid ] || kill "$(cat $run/switch.pid)" 2> /dev/null || true
  for host in $(hosts); do
    ip netns pids kith"$host" 2> /dev/null | xargs -r kill -9 || true
    ip netns del kith"$host" 2> /dev/null || true
    rm -rf /etc/netns/kith"$host"
  done
  rm -rf $run
}

on() {
  local host=$1
  shift
  exec ip netns exec kith"$host" unshare --uts --ipc --mount -- taskset -c $(((host - 1) % $(nproc))) sh -c '
    hostname kith'"$host"'; mount -t tmpfs -o size=8g tmpfs /dev/shm; exec "$@"' sh "$@"
}

case ${1:?up, down, on, mpi or cut} in
  up) up "${@:2}" ;;
  down) down ;;
  on) on "${@:2}" ;;
  cut) ip -n kith"$2" link set eth0 down ;;
  mpi)
    export UCX_TLS=tcp,self UCX_NET_DEVICES=eth0
    addresses=$(hosts | grep -v '^0$' | sed "s/^/$network./" | paste -sd,)
    on 1 mpiexec -iface eth0 -launcher ssh -launcher-exec "$here" -hosts "$addresses" -n "$2" "${@:3}"
    ;;
  *) # as Hydra calls its launcher: [-x] HOST COMMAND…, the command quoted for a shell
    while [[ $1 == -* ]]; do shift; done
    host=${1##*.}
    on "$host" sh -c "${*:2}"
    ;;
esac
