#!/usr/bin/env python3
"""Puts the tables of answers of N shards (OUT.1 to OUT.N) back into the order of the requests, in OUT; merge.sh calls it.

    scripts/cluster/merge_csv.py IN.csv OUT.csv N
"""
import csv
import heapq
import os
import sys


def rows(path):
    """(number of the request, row as it stands in the file), the header left out."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.readline()
        text = ""
        for line in file:
            text += line
            if text.count('"') % 2 == 0:  # else the row goes on
                yield int(next(csv.reader([text]))[1]), text
                text = ""


def main():
    requests, out, parts = sys.argv[1], sys.argv[2], [f"{sys.argv[2]}.{i + 1}" for i in range(int(sys.argv[3]))]
    csv.field_size_limit(1 << 30)
    last = 0
    with open(out + ".merging", "w", encoding="utf-8", errors="surrogateescape", newline="") as merged:
        with open(parts[0], encoding="utf-8", newline="") as first:
            merged.write(first.readline())
        for number, text in heapq.merge(*map(rows, parts), key=lambda row: row[0]):
            if number not in (last, last + 1):
                break
            merged.write(text)
            last = number
    with open(requests, encoding="utf-8", errors="surrogateescape", newline="") as file:
        expected = sum(1 for _ in csv.reader(file)) - 1
    if last != expected:
        sys.exit(f"merge_csv.py: {expected} requests, but {last} have all their answers; are all shards done?")
    os.replace(out + ".merging", out)


if __name__ == "__main__":
    main()
