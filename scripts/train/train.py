# SPDX-License-Identifier: Apache-2.0
"""Train the model of a preset; interrupt at will, the same command goes on from the last checkpoint.

    python scripts/train/train.py --preset tales

Reads the folder that data.py and tokenizer.py wrote, build/train/PRESET unless --data names another; writes to
--out (the folder run in it): checkpoint.pt every few minutes (parameters, their moving average, optimizer,
step), and log.jsonl with one line for each evaluation. The learning rate is warmed up, constant, and falls to
zero over the last part of --steps (warm-up, stable, decay). Nothing in the stable part depends on how long it
is: a run that is stopped in it and resumed with other --steps and --decay is the run that had them from the
beginning. Every step draws its windows and its dropout from its own seed, so a resumed run sees what an
uninterrupted one would have seen. Training ends early when the validation stays flat.
"""

import argparse
import json
import math
import signal
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer

import rhyme
from model import Llama
from optimizer import Optimizer
from presets import PRESETS


class Windows:
    """The training tokens, by group, and the windows that a step draws from them."""

    def __init__(self, data: Path, preset, seed: int):
        self.preset, self.seed = preset, seed
        self.ids = {g: np.fromfile(data / "train" / f"{g}.bin", dtype=np.uint16) for g in preset.mix}
        self.starts = {g: np.flatnonzero(ids == 0) for g, ids in self.ids.items()}

    def draw(self, step: int, late: float) -> torch.Tensor:
        """[batch, context + 1] ids; late goes from 0 to 1 over the decay phase."""
        rng = np.random.default_rng([self.seed, step])
        groups = list(self.preset.mix)
        share = np.array([a + (b - a) * late for a, b in self.preset.mix.values()])
        length = self.preset.shape.context + 1
        rows = []
        for g in rng.choice(len(groups), self.preset.batch, p=share / share.sum()):
            ids, starts = self.ids[groups[g]], self.starts[groups[g]]
            at = int(rng.integers(len(ids) - length))
            if rng.random() < self.preset.at_start:
                at = min(int(starts[np.searchsorted(starts, at, "right") - 1]), len(ids) - length)
            rows.append(ids[at : at + length].astype(np.int64))
        return torch.from_numpy(np.stack(rows))


class Validation:
    """Bits per byte of each group's validation text, in windows side by side; <|endoftext|> is not scored."""

    def __init__(self, data: Path, preset, limit: int = 24):
        tokenizer = Tokenizer.from_file(str(data / "tokenizer.json"))
        count = tokenizer.get_vocab_size()
        # in the byte-level alphabet a token has as many characters as it stands for bytes
        self.bytes = torch.tensor([0] + [len(tokenizer.id_to_token(i)) for i in range(1, count)])
        self.windows = {}
        length = preset.shape.context
        for g in preset.mix:
            ids = np.fromfile(data / "valid" / f"{g}.bin", dtype=np.uint16).astype(np.int64)
            rows = [ids[i : i + length + 1] for i in range(0, len(ids) - length - 1, length)]
            every = max(1, len(rows) // limit) if limit else 1
            self.windows[g] = torch.from_numpy(np.stack(rows[::every][: limit or None]))

    @torch.no_grad()
    def __call__(self, forward, device) -> dict:
        result = {}
        for g, windows in self.windows.items():
            nats = size = 0
            for batch in windows.split(16):
                batch = batch.to(device)
                target = batch[:, 1:].reshape(-1)
                loss = F.cross_entropy(forward(batch[:, :-1]).float().flatten(0, 1), target, reduction="none")
                nats += loss[target != 0].double().sum().item()
                size += self.bytes.to(device)[target].sum().item()
            result[g] = round(nats / size / math.log(2), 4)
        return result


def schedule(step: int, steps: int, warmup: int, decay: float) -> tuple[float, float]:
    """The learning rate as a part of its peak, and how far the decay phase is."""
    late = max(0.0, step / steps - (1 - decay)) / decay
    return min(1.0, (step + 1) / warmup) * (1 - math.sqrt(late)), late


class Run:
    """What a checkpoint holds: the model, the moving average of its parameters, the optimizer, the step."""

    def __init__(self, args, preset, device: str):
        self.args, self.preset, self.device, self.step = args, preset, device, 0
        torch.manual_seed(args.seed)
        self.model = Llama(preset.shape, preset.dropout).to(device)
        self.line_ends = None
        if preset.rhyme:
            tokenizer = Tokenizer.from_file(str(args.data / "tokenizer.json"))
            self.line_ends = torch.tensor([tokenizer.encode(c, add_special_tokens=False).ids[0] for c in rhyme.ENDS], device=device)
            if not (args.out / "checkpoint.pt").exists():
                self.model.embed_tokens.weight.data.copy_(rhyme.embedding(args.data, preset))
        if args.init:
            weights = load_file(args.init / "model.safetensors")
            self.model.load_state_dict({name.removeprefix("model."): t.float() for name, t in weights.items()})
        self.average = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        self.optimizer = Optimizer(self.model, args.learning_rate or preset.learning_rate, preset.weight_decay)
        self.compiled = torch.compile(self.model) if args.compile else self.model
        self.checkpoint = args.out / "checkpoint.pt"
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, map_location=device, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.average, self.step = state["average"], state["step"]

    def save(self) -> None:
        state = {"model": self.model.state_dict(), "average": self.average, "optimizer": self.optimizer.state_dict(),
                 "step": self.step, "preset": self.args.preset, "seed": self.args.seed}
        torch.save(state, self.checkpoint.with_suffix(".tmp"))
        self.checkpoint.with_suffix(".tmp").replace(self.checkpoint)

    def forward(self, ids, network=None):
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.args.precision == "bf16"):
            return (network or self.model)(ids)

    def backward(self, batch: torch.Tensor) -> float:
        """Leaves the gradients of the batch in the parameters; its loss."""
        torch.manual_seed(self.args.seed * 1_000_003 + self.step)  # of the dropout
        total = 0.0
        for part in batch.split(self.args.micro_batch):
            logits = self.forward(part[:, :-1], self.compiled)
            loss = F.cross_entropy(logits.float().flatten(0, 1), part[:, 1:].flatten(), reduction="none")
            if self.line_ends is not None:
                loss = loss * rhyme.weights(part, self.line_ends, self.preset.rhyme_weight).flatten()
            loss = loss.mean() * (len(part) / len(batch))
            loss.backward()
            total += loss.item()
        return total

    def update(self, learning_rate: float) -> None:
        self.optimizer.step(learning_rate)
        self.step += 1
        keep = min(0.99, 1 - 1 / (1 + self.step / 10))
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                self.average[name].lerp_(p, 1 - keep)


def evaluate(run: Run, validation: Validation, loss: float) -> float:
    """One line of log.jsonl; the mean over the groups."""
    run.model.eval()
    entry = {"step": run.step, "tokens": run.step * run.preset.batch * run.preset.shape.context, "loss": round(loss, 4),
             "bits_per_byte": validation(run.forward, run.device), "time": round(time.time())}
    run.model.train()
    with open(run.args.out / "log.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    print(json.dumps(entry), flush=True)
    return sum(entry["bits_per_byte"].values()) / len(entry["bits_per_byte"])


def train(run: Run, windows: Windows, validation: Validation) -> None:
    args, preset = run.args, run.preset
    steps, decay = args.steps or preset.steps, args.decay or preset.decay
    peak, tokens_a_step = args.learning_rate or preset.learning_rate, preset.batch * preset.shape.context
    print(f"{sum(p.numel() for p in run.model.parameters())} parameters, {tokens_a_step} tokens a step, {run.device}, "
          f"from step {run.step} to {steps}", flush=True)
    stop, smooth, history = [], None, []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(True))
    saved = mark = time.time()
    while run.step < steps and not stop:
        rate, late = schedule(run.step, steps, preset.warmup, decay)
        loss = run.backward(windows.draw(run.step, late).to(run.device))
        run.update(peak * rate)
        smooth = loss if smooth is None else 0.95 * smooth + 0.05 * loss
        if run.step % 20 == 0:
            seconds, mark = (time.time() - mark) / 20, time.time()
            print(f"step {run.step}  {run.step / steps:.1%}  loss {smooth:.4f}  lr {peak * rate:.2e}  "
                  f"{tokens_a_step / seconds:.0f} tokens/s  {(steps - run.step) * seconds / 60:.0f} min left", flush=True)
        if run.step % args.evaluate_every == 0 or run.step == steps:
            history.append(evaluate(run, validation, smooth))
            if len(history) > args.patience and min(history[-args.patience:]) > min(history[:-args.patience]):
                print(f"the validation stayed flat for {args.patience} evaluations", flush=True)
                stop.append(True)
        if time.time() - saved > args.save_every or run.step == steps or stop:
            run.save()
            saved = time.time()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="tales")
    parser.add_argument("--data", type=Path, help="the folder that tokenizer.py wrote; default: build/train/PRESET")
    parser.add_argument("--out", type=Path, help="default: the folder run in --data")
    parser.add_argument("--init", type=Path, help="start from the weights of this model folder")
    parser.add_argument("--steps", type=int, help="default: the preset's")
    parser.add_argument("--decay", type=float, help="default: the preset's")
    parser.add_argument("--learning-rate", type=float, help="default: the preset's")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--micro-batch", type=int, default=16, help="windows that are computed together")
    parser.add_argument("--precision", choices=("bf16", "fp32"), help="default: bf16 on a GPU; on CPUs fp32 is often faster")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--patience", type=int, default=5, metavar="EVALUATIONS", help="flat ones that end the training")
    parser.add_argument("--evaluate-every", type=int, default=200, metavar="STEPS")
    parser.add_argument("--save-every", type=float, default=180, metavar="SECONDS")
    args = parser.parse_args()
    args.data = args.data or Path("build/train") / args.preset
    args.out = args.out or args.data / "run"
    args.out.mkdir(parents=True, exist_ok=True)

    preset, device = PRESETS[args.preset], "cuda" if torch.cuda.is_available() else "cpu"
    args.precision = args.precision or ("bf16" if device == "cuda" else "fp32")
    torch.set_flush_denormal(True)  # tiny probabilities would slow a CPU down tenfold
    train(Run(args, preset, device), Windows(args.data, preset, args.seed), Validation(args.data, preset))


if __name__ == "__main__":
    main()
