# SPDX-License-Identifier: Apache-2.0
"""What differs between the shipped models: their texts, mix, shape and schedule.

A preset names the groups its corpora are sorted into (see data.py for the readers), the share of
training windows each group gets at the start and, reached linearly over the decay phase, at the end,
and the shape of the model. Everything else is common to all presets.
"""

from dataclasses import dataclass, field, replace

from poems import CHARACTERS


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
    prompt: str  # of samples
    # group -> (share at the start, share at the end of training)
    mix: dict = field(default_factory=dict)
    # group -> how many times the tokenizer's trainer reads it (0: not at all)
    tokenizer_weight: dict = field(default_factory=dict)
    characters: int = 0  # the tokenizer: one token for each of so many characters, not longer pieces
    at_start: float = 0.1  # share of windows that begin where a document does; the others begin anywhere
    rhyme: int = 0  # dimensions of the embedding that begin with counts of rhymes (rhyme.py)
    rhyme_weight: float = 1.0  # of the loss where an even line ends
    dropout: float = 0.0  # of what a layer adds to the residual stream
    batch: int = 16  # windows of `context` tokens in one optimizer step
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    steps: int = 4000
    warmup: int = 100
    decay: float = 0.3  # the last part of the steps, in which the learning rate falls to zero
    temperature: float = 0.8  # what generation_config.json says
    top_p: float = 0.95


PRESETS = {
    "tales": Preset(
        shape=Shape(),
        prompt="Once upon a time",
        mix={  # the small sets get small shares, or they are learnt by heart; novels first, tales last
            "simple": (0.05, 0.08),  # short synthetic stories in a small vocabulary
            "picture": (0.04, 0.06),  # picture books for early readers
            "fairy": (0.20, 0.30),  # fairy tales and fables
            "children": (0.38, 0.40),  # children's novels
            "novels": (0.15, 0.12),  # adventure novels, and books hard for children
            "fiction": (0.18, 0.04),  # novels for grown-ups
        },
        tokenizer_weight={"simple": 3, "picture": 3, "fairy": 2, "children": 1},
        dropout=0.05,
        temperature=0.6,  # keeps to the scene
        top_p=0.9,
        batch=8,
    ),
    "poems": Preset(
        shape=Shape(vocab_size=5120, layers=4, intermediate_size=704, context=256),
        prompt="床前明月光，",
        mix={"song": (0.75, 0.5), "tang": (0.25, 0.5)},
        tokenizer_weight={"song": 1, "tang": 1},
        characters=CHARACTERS,
        at_start=1.0,  # a poem is shorter than a window: all windows begin with a first line
        rhyme=96,
        rhyme_weight=3.0,
        batch=16,
        learning_rate=3e-3,
        steps=1300,
    ),
}
# The last stretch of "tales", from its weights: nearly all of it tales, so that "Once upon a time" finds its voice.
PRESETS["tales-end"] = replace(
    PRESETS["tales"],
    mix={"simple": (0.25, 0.25), "picture": (0.10, 0.10), "fairy": (0.40, 0.40), "children": (0.25, 0.25)},
    learning_rate=6e-4, steps=250, warmup=20, decay=0.9,
)
