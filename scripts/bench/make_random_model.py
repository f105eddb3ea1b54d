#!/usr/bin/env python3
"""Writes a Hugging Face folder with random weights in the shape of a well-known model, for timing.

    python scripts/bench/make_random_model.py smollm2-135m /tmp/smollm2 [--dtype f32|f16|bf16] [--tokenizer tokenizer.json]

needs numpy alone. Without --tokenizer there is none: use `continuo bench`, or --ids.
"""
import argparse
import json
import pathlib
import shutil
import struct

import numpy as np


def llama(hidden_size, intermediate_size, layers, heads, kv_heads, vocab_size, context):
    return dict(model_type="llama", hidden_size=hidden_size, intermediate_size=intermediate_size,
                num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv_heads,
                vocab_size=vocab_size, max_position_embeddings=context, rms_norm_eps=1e-5, hidden_act="silu",
                rope_theta=10000.0, tie_word_embeddings=True)


SHAPES = {
    "stories15m": llama(288, 768, 6, 6, 6, 32000, 1024),  # trained with 256; positions are rotary
    "smollm2-135m": llama(576, 1536, 30, 9, 3, 49152, 8192),
    "qwen2.5-0.5b": llama(896, 4864, 24, 14, 2, 151936, 32768) | dict(model_type="qwen2", rms_norm_eps=1e-6,
                                                                      rope_theta=1000000.0),
    "gpt2-124m": dict(model_type="gpt2", n_embd=768, n_layer=12, n_head=12, n_positions=1024, vocab_size=50257,
                      layer_norm_epsilon=1e-5, activation_function="gelu_new"),
}


def llama_tensors(c):
    d, ff = c["hidden_size"], c["intermediate_size"]
    kv = d // c["num_attention_heads"] * c["num_key_value_heads"]
    yield "model.embed_tokens.weight", (c["vocab_size"], d)
    for i in range(c["num_hidden_layers"]):
        layer = f"model.layers.{i}."
        yield layer + "input_layernorm.weight", (d,)
        for name, rows in (("q", d), ("k", kv), ("v", kv), ("o", d)):
            yield f"{layer}self_attn.{name}_proj.weight", (rows, d)
            if c["model_type"] == "qwen2" and name != "o":
                yield f"{layer}self_attn.{name}_proj.bias", (rows,)
        yield layer + "post_attention_layernorm.weight", (d,)
        yield layer + "mlp.gate_proj.weight", (ff, d)
        yield layer + "mlp.up_proj.weight", (ff, d)
        yield layer + "mlp.down_proj.weight", (d, ff)
    yield "model.norm.weight", (d,)


def gpt2_tensors(c):
    d = c["n_embd"]
    yield "wte.weight", (c["vocab_size"], d)
    yield "wpe.weight", (c["n_positions"], d)
    for i in range(c["n_layer"]):
        for name, shape in (("ln_1", (d,)), ("ln_2", (d,)), ("attn.c_attn", (d, 3 * d)), ("attn.c_proj", (d, d)),
                            ("mlp.c_fc", (d, 4 * d)), ("mlp.c_proj", (4 * d, d))):
            yield f"h.{i}.{name}.weight", shape
            yield f"h.{i}.{name}.bias", shape[-1:]
    yield "ln_f.weight", (d,)
    yield "ln_f.bias", (d,)


def encode(values, dtype):
    if dtype == "f16":
        return values.astype(np.float16)
    if dtype == "bf16":
        return (values.view(np.uint32) >> 16).astype(np.uint16)
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--dtype", choices=("f32", "f16", "bf16"), default="f32")
    parser.add_argument("--tokenizer", type=pathlib.Path, help="a tokenizer.json to lay beside the weights")
    arguments = parser.parse_args()
    config = SHAPES[arguments.shape]
    tensors = list((gpt2_tensors if config["model_type"] == "gpt2" else llama_tensors)(config))
    size = 4 if arguments.dtype == "f32" else 2
    header, at = {}, 0
    for name, shape in tensors:
        end = at + int(np.prod(shape)) * size
        header[name] = dict(dtype=arguments.dtype.upper(), shape=shape, data_offsets=[at, end])
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    if arguments.tokenizer:
        shutil.copyfile(arguments.tokenizer, arguments.out / "tokenizer.json")
    random = np.random.default_rng(1)
    with open(arguments.out / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, shape in tensors:
            if len(shape) == 1:
                values = np.ones(shape, np.float32)
            else:
                values = random.standard_normal(shape, np.float32) * np.float32(0.02)
            file.write(encode(values, arguments.dtype).tobytes())


if __name__ == "__main__":
    main()
