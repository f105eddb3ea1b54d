# SPDX-License-Identifier: Apache-2.0
"""Check an exported folder with transformers, in float32, and print the table and samples of its model card.

    python scripts/train/evaluate.py --model models/tales --data build/train/tales

Prints validation bits per byte and perplexity per token by group (each document scored from its beginning, in
windows of the context that overlap by half; <|endoftext|> itself is not scored), the largest difference
from the logits of model.py, and unselected samples.
"""

import argparse
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from transformers import AutoTokenizer, LlamaForCausalLM

from model import Llama
from presets import PRESETS


def nats(model, ids: torch.Tensor, context: int) -> float:
    """Sum over ids[1:]; each id is predicted from at least half a context, or from all that stands before it."""
    total, done = 0.0, 1
    for start in range(0, max(1, len(ids) - context // 2), context // 2):
        window = ids[start : start + context]
        logits = model(window[None]).logits[0, :-1]
        loss = F.cross_entropy(logits, window[1:], reduction="none")
        total += loss[done - start - 1 :].double().sum().item()
        done = start + len(window)
    return total


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="tales")
    parser.add_argument("--model", type=Path, required=True, help="the folder that export.py wrote")
    parser.add_argument("--data", type=Path, help="the folder that tokenizer.py wrote; without it only samples")
    parser.add_argument("--prompt", default="Once upon a time")
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=160)
    parser.add_argument("--limit", type=int, default=10**9, metavar="BYTES", help="validation text read per group")
    args = parser.parse_args()

    shape = PRESETS[args.preset].shape
    tokenizer = AutoTokenizer.from_pretrained(args.model, model_max_length=10**9)  # nats() makes its own windows
    model = LlamaForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()

    prompt = tokenizer(args.prompt, return_tensors="pt").input_ids
    assert prompt[0, 0] == 0, "the tokenizer puts <|endoftext|> before a prompt"
    ours = Llama(shape)
    weights = load_file(args.model / "model.safetensors")
    ours.load_state_dict({name.removeprefix("model."): t.float() for name, t in weights.items()})
    difference = (ours(prompt) - model(prompt).logits).abs().max().item()
    print(f"largest difference between the logits of model.py and of transformers: {difference:.1e}")

    total = [0.0, 0, 0]
    for path in sorted((args.data / "valid").glob("*.jsonl")) if args.data else []:
        loss = size = count = 0
        for line in open(path, encoding="utf-8"):
            text = json.loads(line)["text"]
            if size + len(text.encode()) > args.limit:
                continue
            ids = tokenizer(text, return_tensors="pt").input_ids[0]
            loss += nats(model, ids, shape.context)
            size += len(text.encode())
            count += len(ids) - 1
        print(f"{path.stem:10} {loss / size / math.log(2):.4f} bits/byte  perplexity {math.exp(loss / count):7.2f}  "
              f"{count} tokens  {size} bytes", flush=True)
        total = [a + b for a, b in zip(total, (loss, size, count))]
    if total[1]:
        print(f"{'all':10} {total[0] / total[1] / math.log(2):.4f} bits/byte  "
              f"perplexity {math.exp(total[0] / total[2]):7.2f}")

    for seed in range(args.samples + 1):
        torch.manual_seed(seed)
        sampling = {"do_sample": True, "temperature": 0.8, "top_p": 0.95, "top_k": 0} if seed else {
            "do_sample": False, "temperature": None, "top_p": None}
        out = model.generate(prompt, max_new_tokens=args.tokens, pad_token_id=0, **sampling)
        print(f"\n--- {f'seed {seed}' if seed else 'greedy'}\n{tokenizer.decode(out[0], skip_special_tokens=True)}")


if __name__ == "__main__":
    main()
