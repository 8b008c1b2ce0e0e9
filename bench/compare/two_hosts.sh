#!/usr/bin/env bash
# Two hosts on one machine: network namespaces joined by a cable of 10 Gbit/s, a core each, and their own memory for shared segments, so
# that whatever crosses between them crosses the network. Needs root and iproute2.
#   two_hosts.sh up | down
#   two_hosts.sh on 1|2 COMMAND…    a command on a host
#   two_hosts.sh mpi COMMAND…       a rank on each host, over TCP
set -euo pipefail
here=$(readlink -f "$0")
network=10.78.0

up() {
  down
  ip netns add kith1
  ip netns add kith2
  ip -n kith1 link add eth0 type veth peer name eth0 netns kith2
  for host in 1 2; do
    ip -n kith$host link set lo up
    ip -n kith$host addr add $network.$host/24 dev eth0
    ip -n kith$host link set eth0 up
  done
  for host in 1 2; do
    ip netns exec kith$host tc qdisc replace dev eth0 root tbf rate 10gbit burst 4mb latency 20ms
    mkdir -p /etc/netns/kith$host
    until ip netns exec kith$host cat /sys/class/net/eth0/operstate | grep -q up; do sleep 0.1; done
    printf '127.0.0.1 localhost\n%s.1 kith1\n%s.2 kith2\n' $network $network > /etc/netns/kith$host/hosts
  done
}

down() {
  for host in 1 2; do
    ip netns pids kith$host 2> /dev/null | xargs -r kill -9 || true
    ip netns del kith$host 2> /dev/null || true
    rm -rf /etc/netns/kith$host
  done
}

on() {
  local host=$1
  shift
  exec ip netns exec kith$host unshare --uts --ipc --mount -- taskset -c $((host - 1)) sh -c '
    hostname kith'$host'; mount -t tmpfs -o size=8g tmpfs /dev/shm; exec "$@"' sh "$@"
}

case ${1:?} in
  up) up ;;
  down) down ;;
  on) on "${@:2}" ;;
  mpi)
    export UCX_TLS=tcp,self UCX_NET_DEVICES=eth0
    on 1 mpiexec -iface eth0 -launcher ssh -launcher-exec "$here" -hosts $network.1,$network.2 -n 2 "${@:2}"
    ;;
  *) # as Hydra calls its launcher: [-x] HOST COMMAND…, the command quoted for a shell
    while [[ $1 == -* ]]; do shift; done
    host=${1##*.}
    on "$host" sh -c "${*:2}"
    ;;
esac
