# SPDX-License-Identifier: Apache-2.0
"""What differs between the shipped models: their texts, mix, shape and schedule.

A preset names the groups its corpora are sorted into (see data.py for the readers), the share of
training windows each group gets at the start and, reached linearly over the decay phase, at the end,
and the shape of the model. Everything else is common to all presets.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shape:
    vocab_size: int = 4096
    hidden_size: int = 256
    intermediate_size: int = 576
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    context: int = 512
    rope_theta: float = 10000.0
    norm_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.heads


@dataclass(frozen=True)
class Preset:
    shape: Shape
    # group -> (share at the start, share at the end of training)
    mix: dict = field(default_factory=dict)
    # group -> how many times the tokenizer's trainer reads it (0: not at all)
    tokenizer_weight: dict = field(default_factory=dict)
    batch: int = 16  # windows of `context` tokens in one optimizer step
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    steps: int = 4000
    warmup: int = 100
    decay: float = 0.3  # the last part of the steps, in which the learning rate falls to zero


PRESETS = {
    "tales": Preset(
        shape=Shape(),
        mix={
            "simple": (0.14, 0.20),  # short synthetic stories in a small vocabulary
            "picture": (0.10, 0.12),  # picture books for early readers
            "fairy": (0.34, 0.42),  # fairy tales and fables
            "children": (0.32, 0.24),  # children's novels
            "novels": (0.10, 0.02),  # adventure novels, and books hard for children
        },
        tokenizer_weight={"simple": 3, "picture": 3, "fairy": 2, "children": 1, "novels": 0},
    ),
}
