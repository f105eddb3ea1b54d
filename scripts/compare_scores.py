#!/usr/bin/env python3
"""Compares `continuo score --jsonl` with Hugging Face transformers on LAMBADA and on a set of BLiMP, record by record.

    python scripts/compare_scores.py MODEL... [--lambada lambada_test.jsonl] [--blimp SET.jsonl] [--first N]
                                     [--continuo build/continuo] [--tolerance 1e-3]

needs torch, transformers and tokenizers. A line of LAMBADA is {"text"}, whose last word is predicted; a line of BLiMP is
{"sentence_good", "sentence_bad"}. Each MODEL is a Hugging Face folder; transformers computes in float32. Passages longer than
the model's context are left out. Prints accuracy, perplexity of the last words, and the largest difference of a record's
log-probability; exit code 1 if that is above --tolerance, or if an answer is another one though its log-probabilities
are further apart than that.
"""
import argparse
import json
import math
import pathlib
import re
import subprocess
import sys
import time

import tokenizers
import torch
import transformers

BATCH_TOKENS = 4096


def lambada(path):
    for line in open(path, encoding="utf-8"):
        parts = re.fullmatch(r"(?s)(.*)(\s\S+)", json.loads(line)["text"])
        yield {"prompt": parts[1], "completion": parts[2]}


def blimp(path):
    for line in open(path, encoding="utf-8"):
        pair = json.loads(line)
        yield {"prompt": "", "choices": [pair["sentence_good"], pair["sentence_bad"]], "answer": 0}


class Reference:
    def __init__(self, folder):
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.context = self.model.config.max_position_embeddings

    def part(self, prompt, text):
        """The ids, and the first of them that is the text's: that the prompt alone does not have."""
        before, ids = self.tokenizer.encode(prompt).ids, self.tokenizer.encode(prompt + text).ids
        first = next((i for i, (a, b) in enumerate(zip(before, ids)) if a != b), min(len(before), len(ids)))
        if first == 0:
            ids, first = [self.model.config.bos_token_id] + ids, 1
        return ids, first

    def score(self, parts):
        """(log-probability, whether it is greedy) of each part; longest first, as many at once as fit."""
        results = [None] * len(parts)
        order = sorted(range(len(parts)), key=lambda i: -len(parts[i][0]))
        while order:
            longest = len(parts[order[0]][0])
            now, order = order[: max(1, BATCH_TOKENS // longest)], order[max(1, BATCH_TOKENS // longest) :]
            # What stands behind a text changes nothing before it.
            ids = torch.tensor([parts[i][0] + [0] * (longest - len(parts[i][0])) for i in now])
            with torch.no_grad():
                logits = self.model(ids).logits
            for row, i in enumerate(now):
                want, first = parts[i]
                rows = logits[row, first - 1 : len(want) - 1].double().log_softmax(-1)
                targets = torch.tensor(want[first:])
                chosen = rows.gather(1, targets[:, None])
                results[i] = (chosen.sum().item(), bool((rows.argmax(-1) == targets).all()))
        return results


def compare(name, folder, reference, records, continuo, tolerance):
    texts = [record.get("choices") or [record["completion"]] for record in records]
    parts = [[reference.part(record["prompt"], text) for text in some] for record, some in zip(records, texts)]
    kept = [i for i, some in enumerate(parts) if max(len(ids) for ids, _ in some) <= reference.context]
    flat = reference.score([part for i in kept for part in parts[i]])
    begin = time.monotonic()
    run = subprocess.run([continuo, "score", "--jsonl", "-q", "-m", str(folder)], capture_output=True, text=True, check=True,
                         input="".join(json.dumps(records[i]) + "\n" for i in kept))
    seconds = time.monotonic() - begin
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(kept)
    at, worst, wrong, right, right_ours, total, total_ours = 0, 0.0, 0, 0, 0, 0.0, 0.0
    for i, answer in zip(kept, answers):
        ours = answer.get("choices") or [answer]
        theirs = flat[at : at + len(ours)]
        at += len(ours)
        differences = [abs(mine["logprob"] - other[0]) for mine, other in zip(ours, theirs)]
        worst = max(worst, *differences)
        if "choices" in answer:
            want, got = max(range(len(theirs)), key=lambda k: theirs[k][0]), answer["best"]["raw"]
            wrong += want != got and abs(theirs[want][0] - theirs[got][0]) > tolerance
            right, right_ours = right + (want == 0), right_ours + (got == 0)
        else:
            right, right_ours = right + theirs[0][1], right_ours + answer["greedy"]
            wrong += theirs[0][1] != answer["greedy"]
            total, total_ours = total + theirs[0][0], total_ours + answer["logprob"]
    n = len(kept)
    line = f"{folder.name}, {name}: {n} of {len(records)} records, accuracy {right_ours / n:.4f} (transformers {right / n:.4f})"
    if total:
        line += f", perplexity of a record {math.exp(-total_ours / n):.6g} (transformers {math.exp(-total / n):.6g})"
    print(f"{line}, largest difference {worst:.2e}, other answers {wrong}, {seconds:.1f} s", flush=True)
    return worst <= tolerance and wrong == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--lambada", type=pathlib.Path)
    parser.add_argument("--blimp", type=pathlib.Path)
    parser.add_argument("--first", type=int, help="records of each set")
    parser.add_argument("--continuo", default="build/continuo")
    parser.add_argument("--tolerance", type=float, default=1e-3)
    options = parser.parse_args()
    good = True
    for folder in options.models:
        reference = Reference(folder)
        for name, path, read in (("LAMBADA", options.lambada, lambada), ("BLiMP", options.blimp, blimp)):
            if path:
                label = name if name == "LAMBADA" else f"{name} {path.stem}"
                good &= compare(label, folder, reference, list(read(path))[: options.first], options.continuo, options.tolerance)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
