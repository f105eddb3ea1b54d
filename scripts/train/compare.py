# SPDX-License-Identifier: Apache-2.0
"""Short runs that choose a shape: each shape gets the same processor time on the preset's data.

    python scripts/train/compare.py --preset poems --seconds 180 256,6,576,4,2 320,4,704,5,1

A shape is hidden_size,layers,intermediate_size,heads,kv_heads. The learning rate falls from the preset's to zero
over the time. One line of Markdown a shape: parameters, tokens seen, bits per byte of each validation group.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import torch

from presets import PRESETS
from train import Run, Validation, Windows

FIELDS = ("hidden_size", "layers", "intermediate_size", "heads", "kv_heads")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="+", metavar="SHAPE")
    parser.add_argument("--preset", choices=PRESETS, default="tales")
    parser.add_argument("--data", type=Path, help="default: build/train/PRESET")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--batch", type=int)
    args = parser.parse_args()
    args.data = args.data or Path("build/train") / args.preset
    # what Run wants of train.py's arguments
    args.out, args.init, args.compile, args.seed = Path("/nonexistent"), None, False, 1
    args.micro_batch, args.precision = 16, "bf16" if torch.cuda.is_available() else "fp32"
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for text in args.shapes:
        preset = PRESETS[args.preset]
        shape = dataclasses.replace(preset.shape, **dict(zip(FIELDS, map(int, text.split(",")), strict=True)))
        preset = dataclasses.replace(preset, shape=shape, batch=args.batch or preset.batch)
        run, windows = Run(args, preset, device), Windows(args.data, preset, args.seed)
        began, done = time.process_time(), 0.0
        while done < 1:
            run.backward(windows.draw(run.step, done).to(device))
            run.update((args.learning_rate or preset.learning_rate) * min(1, (run.step + 1) / 50) * (1 - done))
            done = (time.process_time() - began) / args.seconds
        run.model.eval()
        bits = Validation(args.data, preset)(run.forward, device)
        tokens = run.step * preset.batch * shape.context
        count = sum(p.numel() for p in run.model.parameters())
        print(f"| {text} | {args.learning_rate or preset.learning_rate} | {preset.batch} | {count / 1e6:.2f} M | {tokens / 1e6:.2f} M | "
              + " | ".join(f"{group} {value:.3f}" for group, value in bits.items()) + " |", flush=True)


if __name__ == "__main__":
    main()
