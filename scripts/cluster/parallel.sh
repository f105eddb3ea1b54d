#!/bin/sh
# Spreads a file of requests over N processes with GNU parallel and merges their answers; after an interruption the same
# command goes on where it was. Add parallel's --sshlogin to $PARALLEL to use several machines that share the files.
#
#   scripts/cluster/parallel.sh IN.jsonl OUT.jsonl N [OPTION of continuo batch]...
set -eu
in=$1 out=$2 n=$3
shift 3
# Where a process fails the answers are merged even so: exit code 1 says that some requests failed, and their answers say
# which. If it failed before it was done, merge.sh notices.
failed=0
parallel --will-cite -q "${CONTINUO:-continuo}" batch "$in" --shard "{}/$n" -o "$out.{}" --resume "$@" ::: $(seq "$n") || failed=1
"$(dirname "$0")/merge.sh" "$in" "$out" "$n"
exit "$failed"
