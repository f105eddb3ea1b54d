# SPDX-License-Identifier: Apache-2.0
"""Make the byte-level BPE tokenizer of a preset from its training text, and encode both parts of the split.

    python scripts/train/tokenizer.py --preset tales --data build/train/tales

A preset that names a number of characters gets one token for each of that many most frequent characters, and
no longer pieces, so that a line of verse has as many tokens as characters; other characters fall into bytes.

Adds to the --data folder:
    tokenizer.json                         in the Hugging Face format
    train/GROUP.bin, valid/GROUP.bin       uint16 ids; <|endoftext|> (id 0) stands before each document
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from presets import PRESETS

END = "<|endoftext|>"


def texts(path: Path) -> list[str]:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def byte_alphabet() -> list[str]:
    """The printable character that stands for each byte 0 to 255 in a byte-level vocabulary (that of GPT-2)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = iter(range(0x100, 0x200))
    return [chr(b if b in plain else next(rest)) for b in range(256)]


def character_model(corpus: list[str], count: int) -> models.BPE:
    """Merges that build each of the `count` most frequent characters from its bytes, first byte first."""
    alphabet = byte_alphabet()
    # by frequency, then by code point: the same vocabulary on every machine
    often = sorted(Counter(c for t in corpus for c in t).items(), key=lambda item: (-item[1], item[0]))[:count]
    spelled = [[alphabet[b] for b in c.encode()] for c, _ in often]
    beginnings = sorted({("".join(s[: n - 1]), s[n - 1]) for s in spelled for n in range(2, len(s))},
                        key=lambda pair: (len(pair[0]), pair))
    merges = beginnings + [("".join(s[:-1]), s[-1]) for s in spelled if len(s) > 1]
    vocabulary = {piece: i for i, piece in enumerate([END, *alphabet, *(a + b for a, b in merges)])}
    return models.BPE(vocabulary, merges)


def train(preset, data: Path) -> Tokenizer:
    corpus = [t for group, weight in preset.tokenizer_weight.items()
              for _ in range(weight) for t in texts(data / "train" / f"{group}.jsonl")]
    tokenizer = Tokenizer(character_model(corpus, preset.characters) if preset.characters else models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if preset.characters:
        tokenizer.add_special_tokens([END])
    else:
        tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(
            vocab_size=preset.shape.vocab_size, special_tokens=[END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{END} $A", pair=f"{END} $A {END} $B", special_tokens=[(END, 0)])
    return tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="tales")
    parser.add_argument("--data", type=Path, required=True, help="the folder that data.py wrote")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="a tokenizer.json to encode with; make no other")
    args = parser.parse_args()

    if args.keep:
        tokenizer = Tokenizer.from_file(str(args.keep))
    else:
        tokenizer = train(PRESETS[args.preset], args.data)
    if tokenizer.get_vocab_size() > PRESETS[args.preset].shape.vocab_size:
        sys.exit(f"{tokenizer.get_vocab_size()} tokens; the preset's shape has room for fewer")
    tokenizer.save(str(args.data / "tokenizer.json"))
    for path in sorted(args.data.glob("*/*.jsonl")):
        documents = texts(path)
        ids = [i for e in tokenizer.encode_batch(documents) for i in e.ids]
        np.array(ids, dtype=np.uint16).tofile(path.with_suffix(".bin"))
        size = sum(len(t.encode()) for t in documents)
        print(f"{path.parent.name} {path.stem:10} {len(ids):9} tokens, {size / max(1, len(ids)):.2f} bytes each")


if __name__ == "__main__":
    main()
