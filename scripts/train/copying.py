# SPDX-License-Identifier: Apache-2.0
"""How much of a text also stands in the training text: the longest run of words, or of characters."""

import re

import numpy as np

SEED = 3  # shorter runs are not looked for


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+(?:'[a-z]+)?", text.lower())


def characters(text: str) -> list[str]:
    return re.findall(r"[\u3400-\u9fff]", text)


def hashes(ids: np.ndarray) -> np.ndarray:
    """One number for each run of SEED ids."""
    result = np.zeros(max(0, len(ids) - SEED + 1), dtype=np.uint64)
    for i in range(SEED):
        result = result * np.uint64(0x9E3779B97F4A7C15) + ids[i : len(ids) - SEED + 1 + i].astype(np.uint64) + np.uint64(1)
    return result


class TrainingText:
    def __init__(self, documents: list[str], split):
        self.split, self.number = split, {}
        ids = []
        for text in documents:
            ids += [self.number.setdefault(word, len(self.number) + 1) for word in split(text)]
            ids.append(0)  # no run crosses it
        self.ids = np.array(ids, dtype=np.int64)
        self.hash = hashes(self.ids)
        self.order = np.argsort(self.hash, kind="stable")
        self.sorted = self.hash[self.order]

    def longest_run(self, sample: str) -> int:
        own = np.array([self.number.get(word, -1) for word in self.split(sample)], dtype=np.int64)
        best = 0
        for start, key in enumerate(hashes(own)):
            if len(own) - start <= best:
                break
            first, last = np.searchsorted(self.sorted, key, "left"), np.searchsorted(self.sorted, key, "right")
            places = self.order[first:last]
            length = 0  # of the run that begins at `start`: places drop out as it grows
            while len(places) and start + length < len(own):
                places = places[places + length < len(self.ids)]
                places = places[self.ids[places + length] == own[start + length]]
                length += bool(len(places))
            best = max(best, length)
        return best if best >= SEED else 0


def distribution(runs: list[int]) -> str:
    marks = {"median": 0.5, "90 %": 0.9, "99 %": 0.99, "longest": 1.0}
    return ", ".join(f"{name} {int(np.quantile(runs, q, method='higher'))}" for name, q in marks.items())
