#!/bin/sh
# Puts the answers of N shards (OUT.1 to OUT.N, lines or tables, without --unordered) back into the order of the requests,
# in OUT.
#
#   scripts/cluster/merge.sh IN OUT N
set -eu
in=$1 out=$2 n=$3
for i in $(seq "$n"); do
  if [ ! -f "$out.$i" ]; then
    echo "merge.sh: there is no $out.$i; are all shards done?" >&2
    exit 1
  fi
  if [ -n "$(tail -c 1 "$out.$i")" ]; then
    echo "merge.sh: the last line of $out.$i is torn; --resume finishes the shard" >&2
    exit 1
  fi
done
case $(head -n 1 "$out.1") in
  id,row,index,n,*) exec python3 "$(dirname "$0")/merge_csv.py" "$in" "$out" "$n" ;;
esac
# Shard i has the requests i, i + N, i + 2N, ...: an answer of each in turn, after what was streamed of it. awk counts a
# last line that does not end as well.
if ! PARTS=$out awk -v n="$n" -v requests="$(awk 'END { print NR }' "$in")" '
  BEGIN {
    for (answers = 0; answers < requests; ++answers) {
      part = ENVIRON["PARTS"] "." (answers % n + 1)
      do {
        if ((getline line < part) <= 0) exit 1
        print line
      } while (line ~ /^[{]"id":.*,"finish_reason":null[}]$/)
    }
    for (i = 1; i <= n; ++i) {
      if ((getline line < (ENVIRON["PARTS"] "." i)) > 0) exit 1
    }
  }' > "$out.merging"
then
  echo "merge.sh: $in and $out.1 to $out.$n have not the same number of requests and answers; are all shards done?" >&2
  exit 1
fi
mv "$out.merging" "$out"
