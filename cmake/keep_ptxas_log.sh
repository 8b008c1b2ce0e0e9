#!/bin/sh
# keep_ptxas_log.sh COMPILER ARGUMENT…: runs the compiler; what ptxas tells of registers, stack and spills goes to
# OBJECT.registers beside the object that -o names, not to the screen.
object= previous=
for argument; do
  [ "$previous" = -o ] && object=$argument
  previous=$argument
done
log=$object.registers
told='^ptxas info|^ +[0-9]+ bytes stack frame'
"$@" 2>"$log.all"
code=$?
grep -vE "$told" "$log.all" >&2
grep -E "$told" "$log.all" >"$log"
rm -f "$log.all"
exit $code
