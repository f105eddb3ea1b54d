# SPDX-License-Identifier: Apache-2.0
"""Train the model of a preset; interrupt at will, the same command goes on from the last checkpoint.

    python scripts/train/train.py --preset tales --data build/train/tales --out build/train/tales/run

Writes to --out: checkpoint.pt every few minutes (parameters, their moving average, optimizer, step), and
log.jsonl with one line for each evaluation. The learning rate is warmed up, constant, and falls to zero
over the last part of --steps (warm-up, stable, decay); because the stable part does not know how long it
is, --steps may be changed when a run is resumed; on a machine whose load changes, --minutes sets the end
of the schedule by the clock. Every step draws its windows from its own seed, so a resumed run sees what
an uninterrupted one would have seen.
"""

import argparse
import json
import math
import os
import signal
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from tokenizers import Tokenizer

from model import Llama
from presets import PRESETS


class Windows:
    """The training tokens, by group, and the windows that a step draws from them."""

    def __init__(self, data: Path, preset, seed: int):
        self.preset, self.seed = preset, seed
        self.ids = {g: np.fromfile(data / "train" / f"{g}.bin", dtype=np.uint16) for g in preset.mix}
        self.starts = {g: np.flatnonzero(ids == 0) for g, ids in self.ids.items()}

    def draw(self, step: int, late: float) -> torch.Tensor:
        """[batch, context + 1] ids; late goes from 0 to 1 over the decay phase. Half begin with a document."""
        rng = np.random.default_rng([self.seed, step])
        groups = list(self.preset.mix)
        share = np.array([a + (b - a) * late for a, b in self.preset.mix.values()])
        length = self.preset.shape.context + 1
        rows = []
        for g in rng.choice(len(groups), self.preset.batch, p=share / share.sum()):
            ids, starts = self.ids[groups[g]], self.starts[groups[g]]
            at = int(rng.integers(len(ids) - length))
            if rng.random() < 0.5:
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


def schedule(step: int, done: float, warmup: int, decay: float) -> tuple[float, float]:
    """The learning rate as a part of its peak, and how far the decay phase is; done: how far the run is."""
    late = min(1.0, max(0.0, (done - (1 - decay)) / decay))
    return min(1.0, (step + 1) / warmup) * (1 - math.sqrt(late)), late


def share(model, loss: float, stop: list) -> float:
    """Sum gradients and loss over the processes; when one was told to stop, all are."""
    grads = [p.grad for p in model.parameters()]
    flat = torch.cat([g.flatten() for g in grads] + [grads[0].new_tensor([loss, float(len(stop))])])
    dist.all_reduce(flat)
    for g, summed in zip(grads, flat.split([g.numel() for g in grads] + [2])):
        g.copy_(summed.view_as(g))
    if flat[-1] > 0:
        stop.append(True)
    return flat[-2].item()


def agree(value: float, world: int, device: str) -> float:
    """The first process's value, in all."""
    shared = torch.tensor([value], dtype=torch.float64, device=device)
    if world > 1:
        dist.broadcast(shared, 0)
    return shared.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="tales")
    parser.add_argument("--data", type=Path, required=True, help="the folder that tokenizer.py wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, help="default: the preset's")
    parser.add_argument("--minutes", type=float, help="end this long from now instead: the time sets the schedule")
    parser.add_argument("--decay", type=float, help="default: the preset's")
    parser.add_argument("--learning-rate", type=float, help="default: the preset's")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--micro-batch", type=int, default=16, help="windows that are computed together")
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--evaluate-every", type=int, default=200, metavar="STEPS")
    parser.add_argument("--save-every", type=float, default=180, metavar="SECONDS")
    args = parser.parse_args()

    preset = PRESETS[args.preset]
    steps = args.steps or preset.steps
    peak = args.learning_rate or preset.learning_rate
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world > 1:
        dist.init_process_group("nccl" if device == "cuda" else "gloo")
        if device == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    say = print if rank == 0 else lambda *_, **__: None
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)

    model = Llama(preset.shape).to(device)
    average = {name: p.detach().clone() for name, p in model.named_parameters()}
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": preset.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=peak, betas=(0.9, 0.95), fused=True)
    windows, validation = Windows(args.data, preset, args.seed), Validation(args.data, preset)

    step, checkpoint = 0, args.out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average, step = state["average"], state["step"]
        say(f"resumed at step {step}", flush=True)
    compiled = torch.compile(model) if args.compile else model
    autocast = torch.autocast(device, dtype=torch.bfloat16, enabled=args.precision == "bf16")

    def forward(ids, network=model):
        with autocast:
            return network(ids)

    def save():
        state = {"model": model.state_dict(), "average": average, "optimizer": optimizer.state_dict(), "step": step,
                 "preset": args.preset, "seed": args.seed}
        torch.save(state, checkpoint.with_suffix(".tmp"))
        checkpoint.with_suffix(".tmp").replace(checkpoint)

    total = sum(p.numel() for p in model.parameters())
    tokens_a_step = preset.batch * preset.shape.context
    say(f"{total} parameters, {tokens_a_step} tokens a step, {device}", flush=True)
    saved = mark = time.time()
    mark_step, smooth, stop = step, None, []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(True))
    began, done = mark, 0.0 if args.minutes else step / steps
    while done < 1 and not stop:
        rate, late = schedule(step, done, preset.warmup, args.decay or preset.decay)
        for group in optimizer.param_groups:
            group["lr"] = peak * rate
        batch = windows.draw(step, late).to(device)
        loss_sum = 0.0
        for part in batch[rank::world].split(args.micro_batch):
            logits = forward(part[:, :-1], compiled)
            loss = F.cross_entropy(logits.float().flatten(0, 1), part[:, 1:].flatten()) * (len(part) / len(batch))
            loss.backward()
            loss_sum += loss.item()
        if world > 1:
            loss_sum = share(model, loss_sum, stop)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        done = agree((time.time() - began) / 60 / args.minutes, world, device) if args.minutes else step / steps
        keep = min(0.998, 1 - 1 / (1 + step / 10))
        with torch.no_grad():
            for name, p in model.named_parameters():
                average[name].lerp_(p, 1 - keep)
        smooth = loss_sum if smooth is None else 0.95 * smooth + 0.05 * loss_sum

        if step % 20 == 0:
            seconds = (time.time() - mark) / (step - mark_step)
            mark, mark_step = time.time(), step
            left = args.minutes * (1 - done) if args.minutes else (steps - step) * seconds / 60
            say(f"step {step}  {done:.1%}  loss {smooth:.4f}  lr {peak * rate:.2e}  "
                f"{tokens_a_step / seconds:.0f} tokens/s  {left:.0f} min left", flush=True)
        if rank == 0 and (step % args.evaluate_every == 0 or done >= 1):
            entry = {"step": step, "tokens": step * tokens_a_step, "loss": round(smooth, 4),
                     "bits_per_byte": validation(forward, device), "time": round(time.time())}
            with open(args.out / "log.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
            say(json.dumps(entry), flush=True)
        if rank == 0 and (time.time() - saved > args.save_every or done >= 1 or stop):
            save()
            saved = time.time()
    if world > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
