#!/bin/sh
# stopped_rank_test.sh MPIEXEC PROGRAM: the job ends with code 4 and names the stopped rank and the operation.
set -u
output=$(timeout -k 5 60 "$1" -n 2 "$2" 2>&1)
code=$?
echo "$output"
# A stopped process that was left behind would stay for ever; the pattern is this program's full path.
ps -eo pid=,stat=,args= | awk -v program="$2" '$2 ~ /^T/ && $3 == program {print $1}' | xargs -r kill -KILL
[ "$code" -eq 4 ] || { echo "exit code $code instead of 4"; exit 1; }
case $output in
  *"'epoch 3, gradients'"*"waiting for rank 1 on host"*) ;;
  *) echo "the message does not name operation and rank"; exit 1 ;;
esac
