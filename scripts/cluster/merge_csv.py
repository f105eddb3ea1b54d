#!/usr/bin/env python3
"""Puts the tables of answers of N shards (OUT.1 to OUT.N) back into the order of the requests, in OUT; merge.sh calls it.

    scripts/cluster/merge_csv.py IN.csv OUT.csv N
"""
import csv
import heapq
import os
import sys


def rows(path):
    """((number of the request, of its sample, how many samples), row as it stands in the file), the header left out."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.readline()
        text = ""
        for line in file:
            text += line
            if text.count('"') % 2 == 0:  # else the row goes on
                yield tuple(map(int, next(csv.reader([text], strict=True))[1:4])), text
                text = ""


def main():
    requests, out, parts = sys.argv[1], sys.argv[2], [f"{sys.argv[2]}.{i + 1}" for i in range(int(sys.argv[3]))]
    csv.field_size_limit(1 << 30)
    done, sample = 0, 0  # requests with all their samples; samples of the next one
    with open(out + ".merging", "w", encoding="utf-8", errors="surrogateescape", newline="") as merged:
        with open(parts[0], encoding="utf-8", newline="") as first:
            merged.write(first.readline())
        for (number, index, samples), text in heapq.merge(*map(rows, parts), key=lambda row: row[0]):
            if (number, index) != (done + 1, sample):
                break
            merged.write(text)
            done, sample = (number, 0) if index + 1 == samples else (done, index + 1)
    with open(requests, encoding="utf-8", errors="surrogateescape", newline="") as file:
        expected = sum(1 for _ in csv.reader(file)) - 1
    if (done, sample) != (expected, 0):
        sys.exit(f"merge_csv.py: {expected} requests, but only the first {done} have their answers; are all shards done?")
    os.replace(out + ".merging", out)


if __name__ == "__main__":
    main()
