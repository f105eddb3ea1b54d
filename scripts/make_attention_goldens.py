#!/usr/bin/env python3
"""Adds the reference's attention weights and hidden states to cases of tests/golden (see make_goldens.py).

    python scripts/make_attention_goldens.py [--golden tests/golden] [CASE ...]

needs torch and transformers. Every CASE (default: gpt2 llama gemma2 bloom) gets attention.json:
    ids            the first 24 tokens of the longest prompt of expected.json
    attentions     [layer][head][i]: the i + 1 weights of row i; eager attention, in double precision, so that what is
                   measured is our rounding and not the reference's
    hidden_states  [layer][i][d_model]: the input of each layer (of the last layer's output the reference gives only
                   the normalized form, which the logits of expected.json check)
"""
import argparse
import json
import pathlib

import torch
import transformers
from transformers import AutoModelForCausalLM

TOKENS = 24


def rounded(x):
    return float(f"{float(x):.8g}")


def make(folder):
    prompts = json.loads((folder / "expected.json").read_text())["prompts"]
    ids = max((prompt["ids"] for prompt in prompts), key=len)[:TOKENS]
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval().double()
    with torch.no_grad():
        out = model(torch.tensor([ids]), output_attentions=True, output_hidden_states=True, use_cache=False)
    attentions = [[[[rounded(w) for w in head[i, :i + 1]] for i in range(len(ids))] for head in layer[0]]
                  for layer in out.attentions]
    hidden = [[[rounded(x) for x in row] for row in state[0]] for state in out.hidden_states[:-1]]
    result = dict(transformers=transformers.__version__, ids=ids, attentions=attentions, hidden_states=hidden)
    (folder / "attention.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(folder.name, len(ids), "tokens", (folder / "attention.json").stat().st_size, "bytes", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--golden", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent / "tests" / "golden")
    parser.add_argument("cases", nargs="*", default=["gpt2", "llama", "gemma2", "bloom"])
    arguments = parser.parse_args()
    for case in arguments.cases:
        make(arguments.golden / case)


if __name__ == "__main__":
    main()
