# SPDX-License-Identifier: Apache-2.0
"""Train the byte-level BPE tokenizer of a preset on its training text, and encode both parts of the split.

    python scripts/train/tokenizer.py --preset tales --data build/train/tales

Adds to the --data folder:
    tokenizer.json                         in the Hugging Face format
    train/GROUP.bin, valid/GROUP.bin       uint16 ids; <|endoftext|> (id 0) stands before each document
"""

import argparse
import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from presets import PRESETS

END = "<|endoftext|>"


def texts(path: Path) -> list[str]:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def train(preset, data: Path) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=preset.shape.vocab_size,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    corpus = [t for group, weight in preset.tokenizer_weight.items()
              for _ in range(weight) for t in texts(data / "train" / f"{group}.jsonl")]
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{END} $A", pair=f"{END} $A {END} $B", special_tokens=[(END, 0)])
    return tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="tales")
    parser.add_argument("--data", type=Path, required=True, help="the folder that data.py wrote")
    args = parser.parse_args()

    tokenizer = train(PRESETS[args.preset], args.data)
    tokenizer.save(str(args.data / "tokenizer.json"))
    for path in sorted(args.data.glob("*/*.jsonl")):
        documents = texts(path)
        ids = [i for e in tokenizer.encode_batch(documents) for i in e.ids]
        np.array(ids, dtype=np.uint16).tofile(path.with_suffix(".bin"))
        size = sum(len(t.encode()) for t in documents)
        print(f"{path.parent.name} {path.stem:10} {len(ids):9} tokens, {size / max(1, len(ids)):.2f} bytes each")


if __name__ == "__main__":
    main()
