# SPDX-License-Identifier: Apache-2.0
"""Measure an exported folder, by the tool itself and by PyTorch, and print what its model card shows.

    python scripts/train/evaluate.py --preset tales --continuo build/continuo --stories260K DIR --blimp FILE

Sections, of which --only chooses:
    score     bits per byte and perplexity of the validation text by `continuo score`, beside PyTorch's (model.py,
              float32), the n-gram baseline's (trained on the same training text) and stories260K's
    blimp     accuracy by linguistic phenomenon, beside stories260K's
    verse     poems: form and rhyme of continuations of first lines of held-out poets
    copying   the longest run of words (poems: characters) of each of 200 samples that stands in the training text
    samples   seeds 1 to 10
A text is scored in windows of the context that overlap by half; <|endoftext|> is not scored. Needs pypinyin for verse.
"""

import argparse
import concurrent.futures
import json
import math
import os
import random
import subprocess
from pathlib import Path

import blimp
import copying
from folder import Folder, bits
from ngram import ByteNgrams
from presets import PRESETS

SEPARATOR = b"\0"  # between two documents, for the n-gram model


def paths(args, part: str) -> list[Path]:
    """The files of the training or validation text, a group each."""
    every = sorted((args.data / part).glob("*.jsonl"))
    return [path for path in every if not args.groups or path.stem in args.groups]


def documents(path: Path) -> list[str]:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


class Tool:
    """The binary, run as a user does."""

    def __init__(self, binary: Path, model: Path):
        self.binary, self.model = str(binary), str(model)
        self.workers = concurrent.futures.ThreadPoolExecutor(os.cpu_count())

    def run(self, *arguments: str) -> dict:
        *options, text = arguments
        command = [self.binary, *options, "-t", "1", "-m", self.model, "--json", "--", text]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def nats(self, windows: list[tuple[int, list[int]]]) -> float:
        def one(window):
            first, ids = window
            answer = self.run("score", "--ids", " ".join(map(str, ids)))
            return -sum(answer["logprobs"][first:])

        return sum(self.workers.map(one, windows))

    def generate(self, prompts: list[tuple[str, int]], tokens: int) -> list[dict]:
        return list(self.workers.map(
            lambda p: self.run("--seed", str(p[1]), "-n", str(tokens), p[0]), prompts))


def score(args, tool: Tool, folder: Folder) -> None:
    print(f"largest part of a group's text that is scored: {args.limit} bytes\n")
    training = SEPARATOR.join(t.encode() for p in paths(args, "train") for t in documents(p))
    ngrams = ByteNgrams(training)
    stories = Folder(args.stories260K) if args.stories260K else None
    print("| group | bytes | bits per byte | perplexity per token | PyTorch | 5-gram |" + (" stories260K |" if stories else ""))
    print("| --- | --- | --- | --- | --- | --- |" + (" --- |" if stories else ""))
    total = [0] * 6
    for path in paths(args, "valid"):
        row = [0] * 6  # bytes, tokens, nats: tool, PyTorch, n-grams, stories260K
        for text in documents(path):
            text = text.encode()[: max(0, args.limit - row[0])].decode(errors="ignore")
            size = len(text.encode())
            if size < 20:
                break
            ids = folder.encode(text)
            own = [size, len(ids) - 1, tool.nats(folder.windows(ids)), folder.nats(ids), ngrams.nats(text.encode()),
                   stories.nats(stories.encode(text)) if stories else 0.0]
            row = [a + b for a, b in zip(row, own)]
        total = [a + b for a, b in zip(total, row)]
        print_score(path.stem, row, stories)
    print_score("all", total, stories)
    print(f"\nthe tool and PyTorch differ by {abs(total[2] / total[3] - 1):.1e}")


def print_score(group: str, row: list, stories) -> None:
    size, count, *nats = row
    columns = [f"{size}", f"{bits(nats[0], size):.3f}", f"{math.exp(nats[0] / count):.1f}"]
    columns += [f"{bits(value, size):.3f}" for value in (nats[1:] if stories else nats[1:-1])]
    print(f"| {group} | " + " | ".join(columns) + " |", flush=True)


def grammar(args) -> None:
    print(f"{args.blimp_pairs} pairs of each of the 67 sets\n")
    ours = blimp.accuracy(args.continuo, args.model, args.blimp, args.blimp_pairs)
    others = blimp.accuracy(args.continuo, args.stories260K, args.blimp, args.blimp_pairs) if args.stories260K else {}
    print("| phenomenon | this model | stories260K |\n| --- | --- | --- |")
    for term, value in ours.items():
        print(f"| {term.replace('_', ' ')} | {value:.1%} | " + (f"{others[term]:.1%}" if others else "") + " |")


def metre(args, tool: Tool) -> None:
    import verse

    poems = [t for p in paths(args, "valid") for t in documents(p)]
    chosen = random.Random(1).sample(poems, args.samples)
    prompts = [verse.lines(poem)[0] + "，" for poem in chosen]
    answers = tool.generate(list(zip(prompts, range(1, len(prompts) + 1))), 128)
    written = [prompt + answer["text"] for prompt, answer in zip(prompts, answers)]
    ended = sum(answer["finish_reason"] == "eos" for answer in answers)
    right = [poem for poem in written if verse.has_form(poem)]
    same = [len(line) == len(verse.lines(poem)[0]) for poem in written for line in verse.lines(poem)[1:]]
    print("| of continuations of first lines of held-out poets | |\n| --- | --- |")
    print(f"| all lines of the prompt's length, comma and full stop in turn, a couplet a row | {len(right) / len(written):.1%} |")
    print(f"| lines of the prompt's length | {sum(same) / max(1, len(same)):.1%} |")
    print(f"| ended by the model within 128 tokens | {ended / len(written):.1%} |")
    for name, texts in (("", written), (", the poets' own poems", chosen)):
        rate, shuffled = verse.rhyme_rate(texts)
        print(f"| neighbouring even lines that rhyme{name} | {rate:.1%} |")
        print(f"| the same, lines shuffled between poems{name} | {shuffled:.1%} |")


def copies(args, tool: Tool) -> None:
    split = copying.characters if args.preset == "poems" else copying.words
    training = copying.TrainingText(
        [t for p in paths(args, "train") for t in documents(p)], split)
    answers = tool.generate([(args.prompt, seed) for seed in range(1, args.samples + 1)], 128)
    runs = [training.longest_run(answer["text"]) for answer in answers]
    print(f"longest run in {len(runs)} samples after {args.prompt!r}: {copying.distribution(runs)}")
    text = [t for p in paths(args, "valid") for t in documents(p)]
    size = int(sum(len(split(answer["text"])) for answer in answers) / len(answers))
    held_out = ["".join(t[: 4 * size]) if args.preset == "poems" else " ".join(split(t)[:size])
                for t in random.Random(1).sample(text, min(args.samples, len(text)))]
    print(f"the same for as much text of held-out documents: "
          f"{copying.distribution([training.longest_run(t) for t in held_out])}")


def samples(args, tool: Tool) -> None:
    answers = tool.generate([(args.prompt, seed) for seed in range(1, 11)], 128)
    for seed, answer in enumerate(answers, 1):
        text = (args.prompt + answer["text"]).replace("\n\n", "\n").replace("\n", " / ")
        print(f"{seed}. {text}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="tales")
    parser.add_argument("--model", type=Path, help="the folder that export.py wrote; default: models/PRESET")
    parser.add_argument("--data", type=Path, help="the folder that tokenizer.py wrote; default: build/train/PRESET")
    parser.add_argument("--continuo", type=Path, default=Path("build/continuo"), help="the binary")
    parser.add_argument("--stories260K", type=Path, metavar="FOLDER", help="another model, to compare tales with")
    parser.add_argument("--blimp", type=Path, metavar="ARCHIVE", help="blimp.tar.xz")
    parser.add_argument("--blimp-pairs", type=int, default=1000)
    parser.add_argument("--prompt", help="of copying and samples")
    parser.add_argument("--samples", type=int, default=200, help="of verse and copying")
    parser.add_argument("--limit", type=int, default=10**9, metavar="BYTES", help="validation text read per group")
    parser.add_argument("--groups", nargs="*", help="of the text, for a model that was trained on these; default: all")
    parser.add_argument("--only", nargs="*", default=["score", "blimp", "verse", "copying", "samples"], metavar="SECTION")
    args = parser.parse_args()
    args.model = args.model or Path("models") / args.preset
    args.data = args.data or Path("build/train") / args.preset
    args.prompt = args.prompt or PRESETS[args.preset].prompt

    tool, folder = Tool(args.continuo, args.model), Folder(args.model)
    for name, section in {
        "score": lambda: score(args, tool, folder),
        "blimp": lambda: grammar(args) if args.blimp else None,
        "verse": lambda: metre(args, tool) if args.preset == "poems" else None,
        "copying": lambda: copies(args, tool),
        "samples": lambda: samples(args, tool),
    }.items():
        if name in args.only:
            print(f"\n## {name}\n", flush=True)
            section()


if __name__ == "__main__":
    main()
