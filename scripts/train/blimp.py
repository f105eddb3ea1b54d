# SPDX-License-Identifier: Apache-2.0
"""BLiMP (Warstadt et al. 2020): of two sentences that differ in one point of grammar, is the good one likelier?"""

import json
import subprocess
import tarfile
from collections import defaultdict
from pathlib import Path


def sets(archive: Path) -> dict[str, list[dict]]:
    """Each of the 67 sets, by name: its pairs."""
    with tarfile.open(archive) as tar:
        return {Path(m.name).stem: [json.loads(line) for line in tar.extractfile(m)]
                for m in tar if m.name.endswith(".jsonl")}


def accuracy(continuo: Path, model: Path, archive: Path, pairs: int) -> dict[str, float]:
    """By linguistic phenomenon, over the first `pairs` of each set; "average" is that of the sets. Scored by the tool."""
    chosen = {name: rows[:pairs] for name, rows in sorted(sets(archive).items())}
    records = [json.dumps({"prompt": "", "choices": [row["sentence_good"], row["sentence_bad"]]})
               for rows in chosen.values() for row in rows]
    done = subprocess.run([str(continuo), "score", "--jsonl", "-m", str(model)], input="\n".join(records) + "\n",
                          check=True, capture_output=True, text=True)
    best = iter(json.loads(line)["best"]["raw"] for line in done.stdout.splitlines())
    by_term, every = defaultdict(list), []
    for rows in chosen.values():
        every.append(sum(next(best) == 0 for _ in rows) / len(rows))
        by_term[rows[0]["linguistics_term"]].append(every[-1])
    result = {"average": sum(every) / len(every)}
    return result | {term: sum(values) / len(values) for term, values in sorted(by_term.items())}
