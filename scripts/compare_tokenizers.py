#!/usr/bin/env python3
"""Compare token ids with those of the reference library `tokenizers`, on texts made to be hard.

    pip install tokenizers==0.23.*
    cmake --build build --target encode_lines
    scripts/compare_tokenizers.py build/tests/encode_lines TOKENIZER.JSON... [--texts 100000] [--seed 1]

Texts are the same for the same seed: every kind of character beside every other, marks in any order, white space of
all kinds, contractions, digits, added tokens whole and in part, long runs. Exit 1 if any ids differ. Where a
tokenizer brings a regular expression of its own, PCRE2 runs it and knows the characters of its own version of Unicode;
--assigned-only leaves out those that this Python does not know.
"""
import argparse
import json
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import Tokenizer

CODES = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
ASSIGNED = [c for c in CODES if unicodedata.category(chr(c)) != "Cn"]
MARKS = [c for c in ASSIGNED if unicodedata.combining(chr(c))]
SPACES = [0x9, 0xA, 0xB, 0xC, 0xD, 0x20, 0x85, 0xA0, 0x1680, 0x180E, *range(0x2000, 0x200E), 0x2028, 0x2029, 0x202F,
          0x205F, 0x2060, 0x3000, 0xFEFF]
PUNCTUATION = [c for c in ASSIGNED if unicodedata.category(chr(c))[0] in "PS"]
NUMBERS = [c for c in ASSIGNED if unicodedata.category(chr(c))[0] == "N"]
CASED = [c for c in ASSIGNED if chr(c).lower() != chr(c) or chr(c).upper() != chr(c)]
DECOMPOSING = [c for c in ASSIGNED if unicodedata.normalize("NFKD", chr(c)) != chr(c)]
HANGUL = [*range(0x1100, 0x1200), *range(0xAC00, 0xAC80), *range(0xA960, 0xA980), *range(0xD7B0, 0xD7FC)]
WORDS = ("the cat sat on mat Once upon a time don't I'll we've they're it's you'd I'M CAN'T O'Neill naïve façade Straße "
         "ﬁne ﬀ Ωmega привет мир 你好 世界 こんにちは 한국어 שלום مرحبا नमस्ते สวัสดี 12345 3.14 1,000 0x1F http://a.b/c?d=e f(x) "
         "a_b camelCase __init__ def return #!/bin/sh \\n \\t {} [] () <s> </s> <|endoftext|> <unk> [INST] ▁ ▁▁ Ġ Ċ").split()


def make_text(r, added):
    """One text."""
    pools = [lambda: chr(r.choice(CODES)), lambda: chr(r.choice(ASSIGNED)), lambda: chr(r.choice(MARKS)),
             lambda: chr(r.choice(SPACES)), lambda: chr(r.choice(PUNCTUATION)), lambda: chr(r.choice(NUMBERS)),
             lambda: chr(r.choice(CASED)), lambda: chr(r.choice(DECOMPOSING)), lambda: chr(r.choice(HANGUL)),
             lambda: r.choice(WORDS), lambda: " ", lambda: " " * r.randrange(1, 6), lambda: "\n" * r.randrange(1, 4),
             lambda: chr(r.randrange(0x20, 0x7F)), lambda: chr(r.randrange(0x21, 0x180)),
             lambda: "'" + r.choice(["s", "t", "re", "ve", "m", "ll", "d", "S", "RE", "ſ", "Ll"]),
             lambda: str(r.randrange(10 ** r.randrange(1, 9))), lambda: chr(r.randrange(0x300, 0x370)) * r.randrange(1, 8),
             lambda: chr(r.randrange(1, 0x20)), lambda: r.choice("aeiou") + chr(r.choice(MARKS))]
    if added:
        pools += [lambda: r.choice(added), lambda: r.choice(added)[:r.randrange(1, 6)]]
    some = r.sample(pools, r.randrange(1, 6))
    length = r.choice([1, 2, 3, 5, 8, 13, 21, 34]) if r.random() < 0.97 else r.randrange(100, 600)
    return "".join(r.choice(some)() for _ in range(length))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("tokenizers", nargs="+")
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--assigned-only", action="store_true",
                        help=f"leave out characters that Unicode {unicodedata.unidata_version} does not have")
    arguments = parser.parse_args()
    failed = False
    for path in arguments.tokenizers:
        reference = Tokenizer.from_file(path)
        added = [t.content for t in reference.get_added_tokens_decoder().values()][:200]
        r = random.Random(arguments.seed)
        texts = [make_text(r, added) for _ in range(arguments.texts)]
        if arguments.assigned_only:
            texts = [t for t in texts if all(unicodedata.category(c) != "Cn" for c in t)]
        with tempfile.TemporaryFile("w+") as lines:
            lines.writelines(json.dumps(t) + "\n" for t in texts)
            lines.seek(0)
            ours = subprocess.run([arguments.program, path], stdin=lines, capture_output=True, text=True, check=True)
        found = [[int(i) for i in line.split()] for line in ours.stdout.split("\n")[:-1]]
        assert len(found) == len(texts)
        differ = [(t, e.ids, f) for t, e, f in zip(texts, reference.encode_batch(texts), found) if e.ids != f]
        print(f"{path}: {len(texts)} texts, {len(differ)} differ")
        for text, expected, got in sorted(differ, key=lambda d: len(d[0]))[:5]:
            at = next((i for i, (a, b) in enumerate(zip(expected, got)) if a != b), min(len(expected), len(got)))
            print(f"  {json.dumps(text)[:300]}: from token {at} on {expected[at:at + 8]}, not {got[at:at + 8]}")
        failed = failed or bool(differ)
    return failed


if __name__ == "__main__":
    sys.exit(main())
