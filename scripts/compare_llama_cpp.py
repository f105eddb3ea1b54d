#!/usr/bin/env python3
"""Compares continuo with llama.cpp on the same GGUF files.

    python scripts/compare_llama_cpp.py FOLDER... [--continuo build/continuo] [--formats f32,f16,q8_0]

needs llama-cpp-python and numpy. Each FOLDER (a Hugging Face folder, or a .gguf file) is written as GGUF in each format by
`continuo quantize`, and the file's values once more as f32, which is exact. llama.cpp reads both: it rounds what it multiplies
weights with (to binary16 for f16, to 8 bits for the others), and only with f32 weights it computes in float32, as continuo
does for every format. For a text (random ids where there is no tokenizer):

  - continuo's log-probabilities must be those of llama.cpp on the f32 file, within --tolerance;
  - the greedy continuation of a prompt must be llama.cpp's on the file itself, for f32, f16 and q8_0 and where the model has
    learned something (has a tokenizer);
  - how far llama.cpp's own rounding takes its log-probabilities is reported.

Exit code 1 if anything that must agree does not.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import llama_cpp
import numpy as np

SAME_TEXT = {"f32", "f16", "q8_0"}
TEXT = "Once upon a time there was a little girl. She said: \"I have 12 apples!\" and he didn't believe her.\n\nThe end."


def run(*command, text=None):
    done = subprocess.run([str(c) for c in command], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def log_softmax(logits):
    logits = logits.astype(np.float64)
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


class Judge:
    def __init__(self, path):
        self.model = llama_cpp.Llama(str(path), n_ctx=256, n_batch=256, n_threads=2, logits_all=True, verbose=False,
                                     type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32)
        self.has_text = self.model.metadata.get("tokenizer.ggml.model", "none") != "none"

    def logprobs(self, ids):
        self.model.reset()
        self.model.eval(ids)
        rows = log_softmax(self.model.scores[: len(ids)])
        return [rows[i - 1][ids[i]] for i in range(1, len(ids))]

    def greedy(self, ids, n):
        self.model.reset()
        self.model.eval(ids)
        out = []
        for _ in range(n):
            out.append(int(np.argmax(self.model.scores[self.model.n_tokens - 1])))
            self.model.eval(out[-1:])
        return out

    def tokenize(self, text):
        return self.model.tokenize(text.encode(), add_bos=True, special=False)


def ids_of(text):
    return [int(i) for i in text.split()]


def compare(continuo, path, exact_path, fmt, arguments):
    judge, exact = Judge(path), Judge(exact_path)
    failures = []
    vocab_size = json.loads(run(continuo, "inspect", "-m", path, "--json"))["vocab_size"]
    ids = [int(i) for i in np.random.default_rng(11).integers(3, vocab_size, arguments.tokens)]
    if judge.has_text:
        ids = judge.tokenize(TEXT)
        if arguments.text and ids_of(run(continuo, "tokenize", "-m", path, "-f", "-", text=TEXT)) != ids:
            failures.append("ids of the text")
    typed, prompt = " ".join(map(str, ids)), ids[:8]
    got = json.loads(run(continuo, "score", "-m", path, "--ids", "--json", "-f", "-", text=typed))["logprobs"][1:]
    difference = lambda want: max(abs(a - b) for a, b in zip(got, want, strict=True))
    to_exact, to_rounded = difference(exact.logprobs(ids)), difference(judge.logprobs(ids))
    if to_exact > arguments.tolerance:
        failures.append("log-probabilities")
    n = arguments.generate
    ours = ids_of(run(continuo, "-m", path, "--ids", "--greedy", "--ignore-eos", "-n", n, "-f", "-",
                      text=" ".join(map(str, prompt))))
    theirs = judge.greedy(prompt, n)
    same = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), n)
    if fmt in SAME_TEXT and same < n and judge.has_text:
        failures.append("greedy text")
    print(f"{path.name:32} log-probabilities differ by {to_exact:.1e} from llama.cpp's on the same values as f32, by "
          f"{to_rounded:.1e} on this file; {same}/{n} greedy tokens equal; "
          f"{'FAILED: ' + ', '.join(failures) if failures else 'ok'}", flush=True)
    return not failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--continuo", type=pathlib.Path, default=pathlib.Path("build/continuo"))
    parser.add_argument("--formats", default="f32,f16,q8_0")
    parser.add_argument("--tolerance", type=float, default=2e-3)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--generate", type=int, default=60)
    parser.add_argument("--no-text", dest="text", action="store_false", help="do not compare the tokenizers")
    arguments = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for model in arguments.models:
            for fmt in arguments.formats.split(","):
                path = pathlib.Path(folder) / f"{model.stem}-{fmt}.gguf"
                exact = path.with_suffix(".exact.gguf")
                run(arguments.continuo, "quantize", model, path, "--to", fmt, "-q")
                run(arguments.continuo, "quantize", path, exact, "--to", "f32", "-q")
                good = compare(arguments.continuo, path, exact, fmt, arguments) and good
                path.unlink()
                exact.unlink()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
