# SPDX-License-Identifier: Apache-2.0
"""BLiMP (Warstadt et al. 2020): of two sentences that differ in one point of grammar, is the good one likelier?"""

import json
import tarfile
from collections import defaultdict
from pathlib import Path

from folder import Folder


def sets(archive: Path) -> dict[str, list[dict]]:
    """Each of the 67 sets, by name: its pairs."""
    with tarfile.open(archive) as tar:
        return {Path(m.name).stem: [json.loads(line) for line in tar.extractfile(m)]
                for m in tar if m.name.endswith(".jsonl")}


def accuracy(folder: Folder, archive: Path, pairs: int) -> dict[str, float]:
    """By linguistic phenomenon, over the first `pairs` of each set; "average" is that of the sets."""
    by_term, every = defaultdict(list), []
    for _, rows in sorted(sets(archive).items()):
        right = 0
        for i in range(0, min(pairs, len(rows)), 50):
            part = rows[i : min(i + 50, pairs)]
            batch = [folder.encode(row[kind]) for row in part for kind in ("sentence_good", "sentence_bad")]
            scores = [row.sum().item() for row in folder.log_probabilities(batch)]
            right += sum(good > bad for good, bad in zip(scores[::2], scores[1::2]))
        by_term[rows[0]["linguistics_term"]].append(right / min(pairs, len(rows)))
        every.append(by_term[rows[0]["linguistics_term"]][-1])
    result = {"average": sum(every) / len(every)}
    return result | {term: sum(values) / len(values) for term, values in sorted(by_term.items())}
