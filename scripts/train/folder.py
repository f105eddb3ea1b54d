# SPDX-License-Identifier: Apache-2.0
"""An exported llama folder, run by model.py in float32."""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer

from model import Llama
from presets import Shape


class Folder:
    def __init__(self, path: Path):
        config = json.loads((path / "config.json").read_text())
        self.path, self.context = path, config["max_position_embeddings"]
        self.tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self.model = Llama(Shape(
            vocab_size=config["vocab_size"], hidden_size=config["hidden_size"],
            intermediate_size=config["intermediate_size"], layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"], kv_heads=config["num_key_value_heads"], context=self.context,
            rope_theta=config["rope_theta"], norm_eps=config["rms_norm_eps"])).eval()
        weights = load_file(path / "model.safetensors")
        self.model.load_state_dict({name.removeprefix("model."): t.float() for name, t in weights.items()})

    def encode(self, text: str) -> list[int]:
        """Ids, the one that begins a text first."""
        return self.tokenizer.encode(text).ids

    def windows(self, ids: list[int]) -> list[tuple[int, list[int]]]:
        """Windows of the context that overlap by half: (which of a window's ids are the first to be scored, ids)."""
        result, done = [], 1
        for start in range(0, max(1, len(ids) - self.context // 2), self.context // 2):
            window = ids[start : start + self.context]
            result.append((done - start, window))
            done = start + len(window)
        return result

    @torch.no_grad()
    def log_probabilities(self, batch: list[list[int]]) -> list[torch.Tensor]:
        """For each row the natural logarithm of p(ids[i] | ids[:i]), i from 1."""
        longest = max(map(len, batch))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in batch])
        loss = F.cross_entropy(self.model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], reduction="none")
        return [-row[: len(own) - 1] for row, own in zip(loss, batch)]

    def nats(self, ids: list[int]) -> float:
        """-log p of ids[1:]; each is predicted from at least half a context, or from all that stands before it."""
        windows = self.windows(ids)
        return -sum(self.log_probabilities([window])[0][first - 1 :].double().sum().item() for first, window in windows)


def bits(nats: float, size: int) -> float:
    return nats / size / math.log(2)
