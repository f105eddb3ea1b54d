# SPDX-License-Identifier: Apache-2.0
"""Clean the corpora of a preset and split them, by book or by poet, into training and validation text.

    python scripts/train/data.py --preset tales --out build/train/tales

Writes to --out:
    train/GROUP.jsonl, valid/GROUP.jsonl   one document a line: {"title": ..., "text": ...}
    HELD_OUT.md                            what was kept out of training, and what was dropped as a copy of it
    ATTRIBUTION.md                         titles and authors of the texts under a CC-BY licence, if there are any

The corpora folder holds en-children.tar.xz, en-fiction.tar.xz, en-misc.tar.xz, zh-tang-poems.txt.xz and
zh-song-poems.txt.xz; it is --corpora, or the folder `corpora` in the one that CONTINUO_TEST_DATA names.
"""

import argparse
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from documents import Document
from poems import line_set, poems
from tales import tales


def shingles(text: str, size: int = 8) -> set[int]:
    words = re.findall(r"[a-z']+", text.lower())
    return {hash(tuple(words[i : i + size])) for i in range(max(0, len(words) - size + 1))}


@dataclass(frozen=True)
class Corpus:
    read: Callable[[Path], list[Document]]
    pieces: Callable[[str], set]  # what a copy shares with its original
    chance: int  # so many shared pieces are formulas ("once upon a time there was a little ..."), not a copy


CORPORA = {"tales": Corpus(tales, shingles, 8), "poems": Corpus(poems, line_set, 1)}


def drop_copies(corpus: Corpus, documents: list[Document]) -> tuple[list[Document], list[str]]:
    """Drop training documents that share text with the validation set, and documents seen already."""
    validation = set().union(*(corpus.pieces(d.text) for d in documents if d.held_out))
    kept, dropped, seen = [], [], set()
    for d in documents:
        own = corpus.pieces(d.text)
        if not d.held_out and len(own & validation) > max(corpus.chance, 0.02 * len(own)):
            dropped.append(f"{d.title} ({d.group}): text of the validation set")
        elif len(own & seen) > 0.5 * max(1, len(own)):
            dropped.append(f"{d.title} ({d.group}): second copy")
        else:
            kept.append(d)
            seen |= own
    return kept, dropped


def write_lists(out: Path, documents: list[Document], dropped: list[str]) -> None:
    held_out = Counter((d.group, d.book) for d in documents if d.held_out)
    with open(out / "HELD_OUT.md", "w", encoding="utf-8") as file:
        file.write("# Held out for validation\n\n")
        for (group, book), count in sorted(held_out.items()):
            file.write(f"- {group}: {book}" + (f" ({count})\n" if count > 1 else "\n"))
        file.write("\n# Dropped from training\n\n")
        if len(dropped) > 500:
            dropped = [f"{n}: {why}" for why, n in Counter(line.rpartition(": ")[2] for line in dropped).items()]
        file.writelines(f"- {line}\n" for line in dropped)
    credits = sorted({(d.book, d.credit) for d in documents if d.credit})
    if credits:
        with open(out / "ATTRIBUTION.md", "w", encoding="utf-8") as file:
            file.write("# Texts under CC-BY used in training\n\n")
            file.writelines(f"- {book}, by {author}\n" for book, author in credits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=CORPORA, default="tales")
    parser.add_argument("--corpora", type=Path, help="folder of the corpora archives")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.corpora is None:
        if "CONTINUO_TEST_DATA" not in os.environ:
            sys.exit("name the corpora folder: --corpora DIR, or set CONTINUO_TEST_DATA")
        args.corpora = Path(os.environ["CONTINUO_TEST_DATA"]) / "corpora"

    corpus = CORPORA[args.preset]
    documents, dropped = drop_copies(corpus, corpus.read(args.corpora))
    size = Counter()
    for part, held_out in (("train", False), ("valid", True)):
        (args.out / part).mkdir(parents=True, exist_ok=True)
        for group in sorted({d.group for d in documents}):
            chosen = [d for d in documents if d.group == group and d.held_out == held_out]
            with open(args.out / part / f"{group}.jsonl", "w", encoding="utf-8") as file:
                for d in chosen:
                    file.write(json.dumps({"title": d.title, "text": d.text}, ensure_ascii=False) + "\n")
            size[part, group] = sum(len(d.text.encode()) for d in chosen)
            print(f"{part} {group:10} {len(chosen):6} documents {size[part, group] / 1e6:8.2f} MB")

    write_lists(args.out, documents, dropped)


if __name__ == "__main__":
    main()
