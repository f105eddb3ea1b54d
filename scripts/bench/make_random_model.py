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
    # Networks that remember otherwise: sizes of the published models of these names.
    "mamba-130m": dict(model_type="mamba", hidden_size=768, num_hidden_layers=24, state_size=16, conv_kernel=4, expand=2,
                       time_step_rank=48, use_conv_bias=True, use_bias=False, vocab_size=50280, layer_norm_epsilon=1e-5,
                       tie_word_embeddings=True),
    "mamba2-130m": dict(model_type="mamba2", hidden_size=768, num_hidden_layers=24, state_size=128, conv_kernel=4, expand=2,
                        num_heads=24, head_dim=64, n_groups=1, use_conv_bias=True, use_bias=False, vocab_size=50288,
                        layer_norm_epsilon=1e-5, tie_word_embeddings=True),
    "rwkv7-168m": dict(model_type="rwkv7", hidden_size=768, num_hidden_layers=12, head_dim=64, intermediate_size=3072,
                       decay_low_rank_dim=64, a_low_rank_dim=64, v_low_rank_dim=32, gate_low_rank_dim=128, hidden_act="sqrelu",
                       vocab_size=65536, norm_eps=1e-5, tie_word_embeddings=False),
    "lfm2-350m": dict(model_type="lfm2", hidden_size=1024, num_hidden_layers=16, num_attention_heads=16, num_key_value_heads=8,
                      intermediate_size=4608, block_auto_adjust_ff_dim=False, conv_L_cache=3, conv_bias=False,
                      layer_types=["full_attention" if i in (2, 5, 8, 10, 12, 14) else "conv" for i in range(16)],
                      vocab_size=65536, max_position_embeddings=128000, norm_eps=1e-5, rope_theta=1000000.0,
                      tie_word_embeddings=True),
    "qwen3.5-0.8b": dict(model_type="qwen3_5_text", hidden_size=1024, num_hidden_layers=24, num_attention_heads=8,
                         num_key_value_heads=2, head_dim=256, intermediate_size=3584, linear_num_key_heads=16,
                         linear_num_value_heads=16, linear_key_head_dim=128, linear_value_head_dim=128,
                         linear_conv_kernel_dim=4, full_attention_interval=4, partial_rotary_factor=0.25,
                         rope_theta=10000000.0, vocab_size=248320, max_position_embeddings=262144, rms_norm_eps=1e-6,
                         tie_word_embeddings=True),
    "granite-4.0-h-350m": dict(model_type="granitemoehybrid", hidden_size=768, num_hidden_layers=32, num_attention_heads=12,
                               num_key_value_heads=4, intermediate_size=2048, shared_intermediate_size=2048,
                               num_local_experts=0, num_experts_per_tok=0, position_embedding_type="nope",
                               layer_types=["attention" if i in (10, 13, 17, 27) else "mamba" for i in range(32)],
                               mamba_n_heads=48, mamba_d_head=32, mamba_d_state=128, mamba_n_groups=1, mamba_d_conv=4,
                               mamba_expand=2, mamba_conv_bias=True, mamba_proj_bias=False, vocab_size=100352,
                               max_position_embeddings=32768, rms_norm_eps=1e-5, embedding_multiplier=12.0,
                               logits_scaling=3.0, residual_multiplier=0.246, attention_multiplier=0.015625,
                               tie_word_embeddings=True),
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


def attention_tensors(prefix, d, q, kv, out="o_proj"):
    for name, rows in (("q_proj", q), ("k_proj", kv), ("v_proj", kv)):
        yield f"{prefix}.{name}.weight", (rows, d)
    yield f"{prefix}.{out}.weight", (d, q)


def mamba_tensors(c):
    d, n, rank = c["hidden_size"], c["state_size"], c["time_step_rank"]
    inner = c["expand"] * d
    yield "backbone.embeddings.weight", (c["vocab_size"], d)
    for i in range(c["num_hidden_layers"]):
        p = f"backbone.layers.{i}.mixer."
        yield f"backbone.layers.{i}.norm.weight", (d,)
        for name, shape in (("in_proj.weight", (2 * inner, d)), ("conv1d.weight", (inner, 1, c["conv_kernel"])),
                            ("conv1d.bias", (inner,)), ("x_proj.weight", (rank + 2 * n, inner)),
                            ("dt_proj.weight", (inner, rank)), ("dt_proj.bias", (inner,)), ("A_log", (inner, n)),
                            ("D", (inner,)), ("out_proj.weight", (d, inner))):
            yield p + name, shape
    yield "backbone.norm_f.weight", (d,)


def mamba2_mixer(prefix, d, inner, heads, groups, n, kernel):
    channels = inner + 2 * groups * n
    for name, shape in (("in_proj.weight", (inner + channels + heads, d)), ("conv1d.weight", (channels, 1, kernel)),
                        ("conv1d.bias", (channels,)), ("dt_bias", (heads,)), ("A_log", (heads,)), ("D", (heads,)),
                        ("norm.weight", (inner,)), ("out_proj.weight", (d, inner))):
        yield f"{prefix}.{name}", shape


def mamba2_tensors(c):
    d = c["hidden_size"]
    yield "backbone.embeddings.weight", (c["vocab_size"], d)
    for i in range(c["num_hidden_layers"]):
        yield f"backbone.layers.{i}.norm.weight", (d,)
        yield from mamba2_mixer(f"backbone.layers.{i}.mixer", d, c["expand"] * d, c["num_heads"], c["n_groups"], c["state_size"],
                                c["conv_kernel"])
    yield "backbone.norm_f.weight", (d,)


def granite_hybrid_tensors(c):
    d, ff, head_dim = c["hidden_size"], c["shared_intermediate_size"], c["hidden_size"] // c["num_attention_heads"]
    yield "model.embed_tokens.weight", (c["vocab_size"], d)
    for i, kind in enumerate(c["layer_types"]):
        p = f"model.layers.{i}"
        yield p + ".input_layernorm.weight", (d,)
        if kind == "attention":
            yield from attention_tensors(p + ".self_attn", d, d, c["num_key_value_heads"] * head_dim)
        else:
            yield from mamba2_mixer(p + ".mamba", d, c["mamba_expand"] * d, c["mamba_n_heads"], c["mamba_n_groups"],
                                    c["mamba_d_state"], c["mamba_d_conv"])
        yield p + ".post_attention_layernorm.weight", (d,)
        yield p + ".shared_mlp.input_linear.weight", (2 * ff, d)
        yield p + ".shared_mlp.output_linear.weight", (d, ff)
    yield "model.norm.weight", (d,)


def rwkv7_tensors(c):
    d, ff, n = c["hidden_size"], c["intermediate_size"], c["head_dim"]
    yield "model.embeddings.weight", (c["vocab_size"], d)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}"
        for norm in (["pre_norm"] if i == 0 else []) + ["attn_norm", "ffn_norm", "attn.g_norm"]:
            yield f"{p}.{norm}.weight", (d,)
            yield f"{p}.{norm}.bias", (d,)
        for name in "rwkvag":
            yield f"{p}.attn.x_{name}", (1, 1, d)
        for name in "rkvo":
            yield f"{p}.attn.{name}_proj.weight", (d, d)
        for name, shape in (("attn.k_k", (d,)), ("attn.k_a", (d,)), ("attn.r_k", (d // n, n)), ("ffn.x_k", (d,)),
                            ("ffn.key.weight", (ff, d)), ("ffn.value.weight", (d, ff))):
            yield f"{p}.{name}", shape
        for name, key in (("w", "decay"), ("a", "a"), ("v", "v"), ("g", "gate")):
            if name == "v" and i == 0:
                continue
            rank = c[key + "_low_rank_dim"]
            yield f"{p}.attn.{name}_lora.lora.0.weight", (rank, d)
            yield f"{p}.attn.{name}_lora.lora.2.weight", (d, rank)
            if name != "g":
                yield f"{p}.attn.{name}_lora.lora.2.bias", (d,)
    yield "model.norm.weight", (d,)
    yield "model.norm.bias", (d,)
    yield "lm_head.weight", (c["vocab_size"], d)


def lfm2_tensors(c):
    d, ff, head_dim = c["hidden_size"], c["intermediate_size"], c["hidden_size"] // c["num_attention_heads"]
    yield "model.embed_tokens.weight", (c["vocab_size"], d)
    for i, kind in enumerate(c["layer_types"]):
        p = f"model.layers.{i}"
        yield p + ".operator_norm.weight", (d,)
        yield p + ".ffn_norm.weight", (d,)
        if kind == "conv":
            yield p + ".conv.in_proj.weight", (3 * d, d)
            yield p + ".conv.conv.weight", (d, 1, c["conv_L_cache"])
            yield p + ".conv.out_proj.weight", (d, d)
        else:
            yield from attention_tensors(p + ".self_attn", d, d, c["num_key_value_heads"] * head_dim, "out_proj")
            for name in "qk":
                yield f"{p}.self_attn.{name}_layernorm.weight", (head_dim,)
        for name, shape in (("w1", (ff, d)), ("w3", (ff, d)), ("w2", (d, ff))):
            yield f"{p}.feed_forward.{name}.weight", shape
    yield "model.embedding_norm.weight", (d,)


def qwen35_tensors(c):
    d, ff, n = c["hidden_size"], c["intermediate_size"], c["head_dim"]
    keys = c["linear_num_key_heads"] * c["linear_key_head_dim"]
    heads = c["linear_num_value_heads"]
    values = heads * c["linear_value_head_dim"]
    yield "model.embed_tokens.weight", (c["vocab_size"], d)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}"
        yield p + ".input_layernorm.weight", (d,)
        if (i + 1) % c["full_attention_interval"] == 0:
            q, kv = c["num_attention_heads"] * n, c["num_key_value_heads"] * n
            for name, shape in (("q_proj", (2 * q, d)), ("k_proj", (kv, d)), ("v_proj", (kv, d)), ("o_proj", (d, q))):
                yield f"{p}.self_attn.{name}.weight", shape
            for name in "qk":
                yield f"{p}.self_attn.{name}_norm.weight", (n,)
        else:
            for name, shape in (("in_proj_qkv.weight", (2 * keys + values, d)), ("in_proj_z.weight", (values, d)),
                                ("in_proj_b.weight", (heads, d)), ("in_proj_a.weight", (heads, d)),
                                ("conv1d.weight", (2 * keys + values, 1, c["linear_conv_kernel_dim"])), ("dt_bias", (heads,)),
                                ("A_log", (heads,)), ("norm.weight", (c["linear_value_head_dim"],)),
                                ("out_proj.weight", (d, values))):
                yield f"{p}.linear_attn.{name}", shape
        yield p + ".post_attention_layernorm.weight", (d,)
        for name, shape in (("gate_proj", (ff, d)), ("up_proj", (ff, d)), ("down_proj", (d, ff))):
            yield f"{p}.mlp.{name}.weight", shape
    yield "model.norm.weight", (d,)


TENSORS = {"gpt2": gpt2_tensors, "llama": llama_tensors, "qwen2": llama_tensors, "mamba": mamba_tensors, "mamba2": mamba2_tensors,
           "rwkv7": rwkv7_tensors, "lfm2": lfm2_tensors, "qwen3_5_text": qwen35_tensors,
           "granitemoehybrid": granite_hybrid_tensors}


def values_of(name, shape, random):
    """Random weights; what states decay by, and shares of the row before, as such networks begin to learn with."""
    if name.endswith("A_log"):
        return np.broadcast_to(np.log(np.linspace(1, 16, shape[-1], dtype=np.float32)), shape)
    if name.endswith(("dt_bias", "dt_proj.bias")):
        return np.full(shape, -4, np.float32)
    if ".attn.x_" in name or name.endswith(("ffn.x_k", "k_k", "k_a")):
        return random.uniform(0, 1, shape).astype(np.float32)
    if name.endswith((".bias", "r_k")) or "conv" in name:
        return random.standard_normal(shape, np.float32) * np.float32(0.2)
    if len(shape) == 1:
        return np.ones(shape, np.float32)
    return random.standard_normal(shape, np.float32) * np.float32(0.02)


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
    tensors = list(TENSORS[config["model_type"]](config))
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
        for name, shape in tensors:
            file.write(encode(np.ascontiguousarray(values_of(name, shape, random)), arguments.dtype).tobytes())


if __name__ == "__main__":
    main()
