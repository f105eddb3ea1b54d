# SPDX-License-Identifier: Apache-2.0
"""The baseline: a byte-level n-gram model with Witten-Bell smoothing (Witten and Bell 1991), interpolated.

p_n(b | h) = (c(hb) + t(h) p_{n-1}(b | h')) / (c(h) + t(h)), where h' is the context h without its first byte, t(h)
the number of different bytes seen after h, and p_0 = 1/256.
"""

import numpy as np


def keys(text: np.ndarray, order: int) -> np.ndarray:
    """Each run of `order` bytes as one number; the last run ends with the last byte."""
    result = np.zeros(len(text) - order + 1, dtype=np.uint64)
    for i in range(order):
        result = (result << np.uint64(8)) | text[i : len(text) - order + 1 + i]
    return result


class ByteNgrams:
    def __init__(self, text: bytes, order: int = 5):
        self.order, self.tables = order, []
        text = np.frombuffer(text, dtype=np.uint8)
        for n in range(1, order + 1):
            runs, counts = np.unique(keys(text, n), return_counts=True)
            contexts, first = np.unique(runs >> np.uint64(8), return_index=True)
            totals = np.add.reduceat(counts, first)
            kinds = np.diff(np.append(first, len(runs)))
            self.tables.append((runs, counts, contexts, totals, kinds))

    def nats(self, text: bytes) -> float:
        """-log p of the text; each byte is predicted from the order - 1 before it, the first from none."""
        size = len(text)
        text = np.concatenate([np.zeros(self.order - 1, np.uint8), np.frombuffer(text, dtype=np.uint8)])
        p = np.full(size, 1 / 256)
        for n, (runs, counts, contexts, totals, kinds) in enumerate(self.tables, 1):
            run = keys(text, n)[self.order - n :]
            at = np.minimum(np.searchsorted(contexts, run >> np.uint64(8)), len(contexts) - 1)
            seen = contexts[at] == run >> np.uint64(8)
            found = np.minimum(np.searchsorted(runs, run), len(runs) - 1)
            count = np.where(runs[found] == run, counts[found], 0)
            p = np.where(seen, (count + kinds[at] * p) / (totals[at] + kinds[at]), p)
        return float(-np.log(p).sum())
