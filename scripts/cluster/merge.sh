#!/bin/sh
# Puts the answers of N shards (OUT.1 to OUT.N, a line a request, or tables) back into the order of the requests, in OUT.
#
#   scripts/cluster/merge.sh IN OUT N
set -eu
in=$1 out=$2 n=$3
case $(head -n 1 "$out.1") in
  id,row,index,n,*) exec python3 "$(dirname "$0")/merge_csv.py" "$in" "$out" "$n" ;;
esac
parts=$(seq -f "$out.%.0f" "$n")
# Shard i has the requests i, i + N, i + 2N, ...: a line of each in turn. Answers are never empty lines.
# shellcheck disable=SC2086
paste -d '\n' $parts | sed '/^$/d' > "$out.merging"
# awk counts a last line that does not end as well.
requests=$(awk 'END { print NR }' "$in") answers=$(awk 'END { print NR }' "$out.merging")
if [ "$requests" != "$answers" ]; then
  echo "merge.sh: $requests requests, but $answers answers; are all shards done?" >&2
  exit 1
fi
mv "$out.merging" "$out"
