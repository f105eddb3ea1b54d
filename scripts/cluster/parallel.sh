#!/bin/sh
# Spreads a file of requests over N processes with GNU parallel and merges their answers; after an interruption the same
# command goes on where it was. Add parallel's --sshlogin to $PARALLEL to use several machines that share the files.
#
#   scripts/cluster/parallel.sh IN.jsonl OUT.jsonl N [OPTION of continuo batch]...
set -eu
in=$1 out=$2 n=$3
shift 3
# Exit code 1 says that some requests failed: their answers say so. The rest is merge.sh's to notice.
parallel --will-cite -q "${CONTINUO:-continuo}" batch "$in" --shard "{}/$n" -o "$out.{}" --resume "$@" ::: $(seq "$n") || true
exec "$(dirname "$0")/merge.sh" "$in" "$out" "$n"
