#!/usr/bin/env python3
"""Writes small random checkpoints of tests/golden for families that make_goldens.py cannot make: transformers does not hold them,
or holds them otherwise than published files do. Their reference is the plain arithmetic below, in float64.

    python scripts/make_goldens_numpy.py [--out tests/golden] [--only NAME ...]

needs numpy and safetensors. The folders are as make_goldens.py describes them. Wrapped cases are other cases of tests/golden with
their text model in a section of config.json and tensors of other senses beside it.
"""
import argparse
import json
import math
import pathlib
import zlib

import numpy as np
from safetensors.numpy import load_file, save_file

VOCAB = 96
PROMPT_LENGTHS = (1, 9, 45)
GREEDY = 20
BASE = dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, hidden_size=32, intermediate_size=56, num_hidden_layers=2,
            num_attention_heads=4, max_position_embeddings=256)


class Weights:
    """Random tensors, made when they are first asked for and written as float32."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.tensors = {}

    def __call__(self, name, *shape):
        if name not in self.tensors:
            values = self.random.standard_normal(shape)
            if len(shape) > 1:
                values *= 2 / math.sqrt(shape[-1] + shape[-2])
            elif name.endswith("weight"):
                values = 1 + 0.2 * values
            else:
                values *= 0.1
            self.tensors[name] = values.astype(np.float32)
        assert self.tensors[name].shape == shape, name
        return self.tensors[name].astype(np.float64)

    def linear(self, x, name, rows, bias=False):
        y = x @ self(name + ".weight", rows, x.shape[-1]).T
        return y + self(name + ".bias", rows) if bias else y

    def rms(self, x, name, eps):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * self(name + ".weight", x.shape[-1])

    def layer_norm(self, x, name, eps):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + eps)
        return scaled * self(name + ".weight", x.shape[-1]) + self(name + ".bias", x.shape[-1])


def silu(x):
    return x / (1 + np.exp(-x))


def relu2(x):
    return np.maximum(x, 0) ** 2


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def frequencies(dim, theta):
    return theta ** (-np.arange(0, dim, 2) / dim)


def llama3_frequencies(dim, theta, factor, low, high, original):
    out = []
    for f in frequencies(dim, theta):
        turns = original * f / (2 * math.pi)
        smooth = min(max((turns - low) / (high - low), 0), 1)
        out.append((1 - smooth) * f / factor + smooth * f)
    return np.array(out)


def turn(x, freqs, magnitude=1.0, interleaved=False):
    """x: [tokens, heads, dim]; all of dim turns."""
    angle = np.arange(len(x))[:, None, None] * freqs
    cos, sin = np.cos(angle) * magnitude, np.sin(angle) * magnitude
    if interleaved:
        a, b = x[..., 0::2], x[..., 1::2]
        out = np.empty_like(x)
        out[..., 0::2], out[..., 1::2] = a * cos - b * sin, b * cos + a * sin
        return out
    a, b = np.split(x, 2, -1)
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def attend(q, k, v, scale, window=0, bias=None):
    """q: [tokens, heads, dim], k and v with fewer heads; the heads' results side by side."""
    n, heads = q.shape[:2]
    k, v = (np.repeat(t, heads // t.shape[1], 1) for t in (k, v))
    scores = np.einsum("ihd,jhd->hij", q, k) * scale
    if bias is not None:
        scores += bias
    i, j = np.arange(n)[:, None], np.arange(n)[None]
    scores = np.where((j > i) | ((window > 0) & (j <= i - window)), -np.inf, scores)
    return np.einsum("hij,jhd->ihd", softmax(scores), v).reshape(n, -1)


def heads(x, n):
    return x.reshape(len(x), n, -1)


def internlm2(c, w, ids):
    d, n, kv, eps = c["hidden_size"], c["num_attention_heads"], c["num_key_value_heads"], c["rms_norm_eps"]
    hd, group = d // n, n // kv
    x = w("model.tok_embeddings.weight", VOCAB, d)[ids]
    freqs = frequencies(hd, c["rope_theta"])
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        qkv = w.linear(w.rms(x, p + "attention_norm", eps), p + "attention.wqkv", (n + 2 * kv) * hd, c["bias"])
        qkv = qkv.reshape(len(ids), kv, group + 2, hd)
        q, k, v = qkv[:, :, :group].reshape(len(ids), n, hd), qkv[:, :, group], qkv[:, :, group + 1]
        out = attend(turn(q, freqs), turn(k, freqs), v, hd ** -0.5)
        x = x + w.linear(out, p + "attention.wo", d, c["bias"])
        h = w.rms(x, p + "ffn_norm", eps)
        ff = c["intermediate_size"]
        h = silu(w.linear(h, p + "feed_forward.w1", ff)) * w.linear(h, p + "feed_forward.w3", ff)
        x = x + w.linear(h, p + "feed_forward.w2", d)
    return w.linear(w.rms(x, "model.norm", eps), "output", VOCAB)


def alibi(n_heads, tokens):
    slopes = [2 ** (-8 * (i + 1) / 4) for i in range(4)] + [2 ** (-8 * (2 * i + 1) / 8) for i in range(n_heads - 4)]
    return np.array(slopes)[:, None, None] * np.arange(tokens)[None, None]


def baichuan(c, w, ids):
    d, n, eps, ff = c["hidden_size"], c["num_attention_heads"], c["rms_norm_eps"], c["intermediate_size"]
    hd = d // n
    turned = "max_position_embeddings" in c
    x = w("model.embed_tokens.weight", VOCAB, d)[ids]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        q, k, v = (heads(t, n) for t in np.split(
            w.linear(w.rms(x, p + "input_layernorm", eps), p + "self_attn.W_pack", 3 * d), 3, -1))
        if turned:
            q, k = turn(q, frequencies(hd, 10000.0)), turn(k, frequencies(hd, 10000.0))
        out = attend(q, k, v, hd ** -0.5, bias=None if turned else alibi(n, len(ids)))
        x = x + w.linear(out, p + "self_attn.o_proj", d)
        h = w.rms(x, p + "post_attention_layernorm", eps)
        h = silu(w.linear(h, p + "mlp.gate_proj", ff)) * w.linear(h, p + "mlp.up_proj", ff)
        x = x + w.linear(h, p + "mlp.down_proj", d)
    return w.linear(w.rms(x, "model.norm", eps), "lm_head", VOCAB)


def plain_qkv(c, w, x, p, bias):
    hd = c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]
    kv = c.get("num_key_value_heads") or c["num_attention_heads"]
    return (heads(w.linear(x, f"{p}self_attn.{name}_proj", count * hd, bias), count)
            for name, count in (("q", c["num_attention_heads"]), ("k", kv), ("v", kv)))


def jais2(c, w, ids):
    d, eps = c["hidden_size"], c["layer_norm_eps"]
    x = w("model.embed_tokens.weight", VOCAB, d)[ids]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        q, k, v = plain_qkv(c, w, w.layer_norm(x, p + "input_layernorm", eps), p, c["attention_bias"])
        freqs = frequencies(q.shape[-1], c["rope_parameters"]["rope_theta"])
        out = attend(turn(q, freqs), turn(k, freqs), v, q.shape[-1] ** -0.5)
        x = x + w.linear(out, p + "self_attn.o_proj", d, c["attention_bias"])
        h = relu2(w.linear(w.layer_norm(x, p + "post_attention_layernorm", eps), p + "mlp.up_proj", c["intermediate_size"],
                           c["mlp_bias"]))
        x = x + w.linear(h, p + "mlp.down_proj", d, c["mlp_bias"])
    return w.linear(w.layer_norm(x, "model.norm", eps), "lm_head", VOCAB)


def gated(w, x, p, ff, d, bias=False):
    h = silu(w.linear(x, p + "gate_proj", ff, bias)) * w.linear(x, p + "up_proj", ff, bias)
    return w.linear(h, p + "down_proj", d, bias)


def cwm(c, w, ids):
    d, eps, r = c["hidden_size"], c["rms_norm_eps"], c["rope_parameters"]
    x = w("model.embed_tokens.weight", VOCAB, d)[ids]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        q, k, v = plain_qkv(c, w, w.rms(x, p + "input_layernorm", eps), p, False)
        freqs = llama3_frequencies(q.shape[-1], r["rope_theta"], r["factor"], r["low_freq_factor"], r["high_freq_factor"],
                                   r["original_max_position_embeddings"])
        window = c["sliding_window"] if i % 4 != 0 else 0
        out = attend(turn(q, freqs), turn(k, freqs), v, q.shape[-1] ** -0.5, window)
        x = x + w.linear(out, p + "self_attn.o_proj", d)
        x = x + gated(w, w.rms(x, p + "post_attention_layernorm", eps), p + "mlp.", c["intermediate_size"], d)
    return w.linear(w.rms(x, "model.norm", eps), "lm_head", VOCAB)


def hyperclovax(c, w, ids):
    d, eps, s = c["hidden_size"], c["rms_norm_eps"], c["residual_multiplier"]
    x = w("model.embed_tokens.weight", VOCAB, d)[ids] * c["embedding_multiplier"]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        q, k, v = plain_qkv(c, w, w.rms(x, p + "input_layernorm", eps), p, False)
        freqs = frequencies(q.shape[-1], c["rope_parameters"]["rope_theta"])
        scale = c.get("attention_multiplier") or q.shape[-1] ** -0.5
        out = w.linear(attend(turn(q, freqs), turn(k, freqs), v, scale), p + "self_attn.o_proj", d)
        x = x + s * w.rms(out, p + "post_norm1", eps)
        out = gated(w, w.rms(x, p + "post_attention_layernorm", eps), p + "mlp.", c["intermediate_size"], d)
        x = x + s * w.rms(out, p + "post_norm2", eps)
    return w.linear(w.rms(x, "model.norm", eps), "lm_head", VOCAB) * c["logits_scaling"]


def sparse_mixer(scores, jitter):
    """The two experts of a token, and their weights."""
    left, chosen = scores.copy(), []
    for _ in range(2):
        best = int(np.argmax(left))
        distance = (left[best] - scores) / np.maximum(np.abs(scores), left[best])
        kept = np.where(distance > 2 * jitter, -np.inf, left)
        chosen.append((best, softmax(kept)[best]))
        left[best] = -np.inf
    return chosen


def phimoe(c, w, ids):
    d, eps, r, ff = c["hidden_size"], c["rms_norm_eps"], c["rope_scaling"], c["intermediate_size"]
    x = w("model.embed_tokens.weight", VOCAB, d)[ids]
    long = len(ids) > r["original_max_position_embeddings"]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        q, k, v = plain_qkv(c, w, w.layer_norm(x, p + "input_layernorm", eps), p, c["attention_bias"])
        freqs = frequencies(q.shape[-1], c["rope_theta"]) / np.array(r["long_factor" if long else "short_factor"])
        magnitude = r["long_mscale" if long else "short_mscale"]
        out = attend(turn(q, freqs, magnitude), turn(k, freqs, magnitude), v, q.shape[-1] ** -0.5)
        x = x + w.linear(out, p + "self_attn.o_proj", d, c["attention_bias"])
        h = w.layer_norm(x, p + "post_attention_layernorm", eps)
        scores = w.linear(h, p + "block_sparse_moe.gate", c["num_local_experts"])
        experts = []
        for e in range(c["num_local_experts"]):
            q_ = f"{p}block_sparse_moe.experts.{e}."
            experts.append(w.linear(silu(w.linear(h, q_ + "w1", ff)) * w.linear(h, q_ + "w3", ff), q_ + "w2", d))
        x = x + np.array([sum(weight * experts[e][t] for e, weight in sparse_mixer(scores[t], c["router_jitter_noise"]))
                          for t in range(len(ids))])
    return w.linear(w.layer_norm(x, "model.norm", eps), "lm_head", VOCAB, c["lm_head_bias"])


def openelm(c, w, ids):
    d, hd, eps = c["model_dim"], c["head_dim"], 1e-6
    x = w("transformer.token_embeddings.weight", VOCAB, d)[ids]
    freqs = frequencies(hd, c["rope_freq_constant"])
    for i in range(c["num_transformer_layers"]):
        p, n, kv = f"transformer.layers.{i}.", c["num_query_heads"][i], c["num_kv_heads"][i]
        qkv = heads(w.linear(w.rms(x, p + "attn_norm", eps), p + "attn.qkv_proj", (n + 2 * kv) * hd), n + 2 * kv)
        q, k, v = w.rms(qkv[:, :n], p + "attn.q_norm", eps), w.rms(qkv[:, n:n + kv], p + "attn.k_norm", eps), qkv[:, n + kv:]
        out = attend(turn(q, freqs), turn(k, freqs), v, hd ** -0.5)
        x = x + w.linear(out, p + "attn.out_proj", d)
        divisor, width = c["ffn_dim_divisor"], c["ffn_multipliers"][i] * d
        ff = max(divisor, int(width + divisor / 2) // divisor * divisor)
        ff += divisor if ff < 0.9 * width else 0
        gate, up = np.split(w.linear(w.rms(x, p + "ffn_norm", eps), p + "ffn.proj_1", 2 * ff), 2, -1)
        x = x + w.linear(silu(gate) * up, p + "ffn.proj_2", d)
    x = w.rms(x, "transformer.norm", eps)
    return x @ w("transformer.token_embeddings.weight", VOCAB, d).T


def plm(c, w, ids):
    d, n, rank = c["hidden_size"], c["num_attention_heads"], c["kv_lora_rank"]
    nope, turned, v_dim, eps = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"], c["rms_norm_eps"]
    x = w("model.embed_tokens.weight", VOCAB, d)[ids]
    freqs = frequencies(turned, c["rope_theta"])
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        h = w.rms(x, p + "input_layernorm", eps)
        q = heads(w.linear(h, p + "self_attn.q_proj", n * (nope + turned)), n)
        low = w.linear(h, p + "self_attn.kv_a_proj_with_mqa", rank + turned)
        kv = heads(w.linear(w.rms(low[:, :rank], p + "self_attn.kv_a_layernorm", 1e-6), p + "self_attn.kv_b_proj",
                            n * (nope + v_dim)), n)
        k_turned = np.repeat(turn(low[:, None, rank:], freqs, interleaved=True), n, 1)
        q = np.concatenate([q[..., :nope], turn(q[..., nope:], freqs, interleaved=True)], -1)
        k = np.concatenate([kv[..., :nope], k_turned], -1)
        out = attend(q, k, kv[..., nope:], (nope + turned) ** -0.5)
        x = x + w.linear(out, p + "self_attn.o_proj", d)
        h = relu2(w.linear(w.rms(x, p + "post_attention_layernorm", eps), p + "mlp.up_proj", c["intermediate_size"]))
        x = x + w.linear(h, p + "mlp.down_proj", d)
    return w.rms(x, "model.norm", eps) @ w("model.embed_tokens.weight", VOCAB, d).T


def ministral3(c, w, ids):
    d, eps, r = c["hidden_size"], c["rms_norm_eps"], c["rope_parameters"]
    x = w("model.embed_tokens.weight", VOCAB, d)[ids]
    longer = 1 + r["llama_4_scaling_beta"] * np.log(1 + np.floor(np.arange(len(ids)) / r["original_max_position_embeddings"]))
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        q, k, v = plain_qkv(c, w, w.rms(x, p + "input_layernorm", eps), p, False)
        freqs = frequencies(q.shape[-1], r["rope_theta"])
        out = attend(turn(q, freqs) * longer[:, None, None], turn(k, freqs), v, q.shape[-1] ** -0.5)
        x = x + w.linear(out, p + "self_attn.o_proj", d)
        x = x + gated(w, w.rms(x, p + "post_attention_layernorm", eps), p + "mlp.", c["intermediate_size"], d)
    return w.linear(w.rms(x, "model.norm", eps), "lm_head", VOCAB)


def hunyuan(c, w, ids):
    d, eps, r = c["hidden_size"], c["rms_norm_eps"], c["rope_scaling"]
    x = w("model.embed_tokens.weight", VOCAB, d)[ids]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        q, k, v = plain_qkv(c, w, w.rms(x, p + "input_layernorm", eps), p, False)
        hd = q.shape[-1]
        freqs = frequencies(hd, c["rope_theta"] * r["alpha"] ** (hd / (hd - 2)))
        q = w.rms(turn(q, freqs), p + "self_attn.query_layernorm", eps)
        k = w.rms(turn(k, freqs), p + "self_attn.key_layernorm", eps)
        x = x + w.linear(attend(q, k, v, hd ** -0.5), p + "self_attn.o_proj", d)
        x = x + gated(w, w.rms(x, p + "post_attention_layernorm", eps), p + "mlp.", c["intermediate_size"], d)
    return w.linear(w.rms(x, "model.norm", eps), "lm_head", VOCAB)


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def gpt_bigcode(c, w, ids):
    d, n, eps = c["n_embd"], c["n_head"], c["layer_norm_epsilon"]
    x = w("transformer.wte.weight", VOCAB, d)[ids] + w("transformer.wpe.weight", c["n_positions"], d)[:len(ids)]
    for i in range(c["n_layer"]):
        p = f"transformer.h.{i}."
        qkv = heads(w.linear(w.layer_norm(x, p + "ln_1", eps), p + "attn.c_attn", 3 * d, True), n)
        out = attend(*np.split(qkv, 3, -1), 1.0 if not c["scale_attn_weights"] else (d // n) ** -0.5)
        x = x + w.linear(out, p + "attn.c_proj", d, True)
        h = gelu_tanh(w.linear(w.layer_norm(x, p + "ln_2", eps), p + "mlp.c_fc", 4 * d, True))
        x = x + w.linear(h, p + "mlp.c_proj", d, True)
    return w.layer_norm(x, "transformer.ln_f", eps) @ w("transformer.wte.weight", VOCAB, d).T


def deepseek_v2(c, w, ids):
    """Experts of the best groups; queries through a low-rank vector; scores scaled as YaRN's magnitude says."""
    d, n, rank, r = c["hidden_size"], c["num_attention_heads"], c["kv_lora_rank"], c["rope_scaling"]
    nope, turned, v_dim, eps = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"], c["rms_norm_eps"]
    x = w("model.embed_tokens.weight", VOCAB, d)[ids]
    freqs = frequencies(turned, c["rope_theta"])

    def dimension(turns):
        return turned * math.log(r["original_max_position_embeddings"] / (turns * 2 * math.pi)) / (2 * math.log(c["rope_theta"]))
    low, high = max(math.floor(dimension(32)), 0), min(math.ceil(dimension(1)), turned - 1)
    ramp = np.clip((np.arange(turned // 2) - low) / max(high - low, 0.001), 0, 1)
    freqs = freqs / r["factor"] * ramp + freqs * (1 - ramp)

    def magnitude(weight):
        return 0.1 * weight * math.log(r["factor"]) + 1
    of_angles = magnitude(r["mscale"]) / magnitude(r["mscale_all_dim"])
    scale = (nope + turned) ** -0.5 * magnitude(r["mscale_all_dim"]) ** 2
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        h = w.rms(x, p + "input_layernorm", eps)
        low_q = w.rms(w.linear(h, p + "self_attn.q_a_proj", c["q_lora_rank"]), p + "self_attn.q_a_layernorm", 1e-6)
        q = heads(w.linear(low_q, p + "self_attn.q_b_proj", n * (nope + turned)), n)
        low_kv = w.linear(h, p + "self_attn.kv_a_proj_with_mqa", rank + turned)
        kv = heads(w.linear(w.rms(low_kv[:, :rank], p + "self_attn.kv_a_layernorm", 1e-6), p + "self_attn.kv_b_proj",
                            n * (nope + v_dim)), n)
        k_turned = np.repeat(turn(low_kv[:, None, rank:], freqs, of_angles, True), n, 1)
        q = np.concatenate([q[..., :nope], turn(q[..., nope:], freqs, of_angles, True)], -1)
        out = attend(q, np.concatenate([kv[..., :nope], k_turned], -1), kv[..., nope:], scale)
        x = x + w.linear(out, p + "self_attn.o_proj", d)
        h = w.rms(x, p + "post_attention_layernorm", eps)
        if i < c["first_k_dense_replace"]:
            x = x + gated(w, h, p + "mlp.", c["intermediate_size"], d)
            continue
        n_experts, n_groups, ff = c["n_routed_experts"], c["n_group"], c["moe_intermediate_size"]
        scores = softmax(w.linear(h, p + "mlp.gate", n_experts))
        best = scores.reshape(len(ids), n_groups, -1).max(-1)
        kept = np.argsort(-best, -1, kind="stable")[:, :c["topk_group"]]
        mask = np.zeros((len(ids), n_groups), bool)
        np.put_along_axis(mask, kept, True, -1)
        keys = np.where(np.repeat(mask, n_experts // n_groups, -1), scores, 0)
        experts = [gated(w, h, f"{p}mlp.experts.{e}.", ff, d) for e in range(n_experts)]
        chosen = np.argsort(-keys, -1, kind="stable")[:, :c["num_experts_per_tok"]]
        routed = np.array([sum(keys[t, e] * experts[e][t] for e in chosen[t]) for t in range(len(ids))])
        x = x + routed * c["routed_scaling_factor"] + gated(w, h, p + "mlp.shared_experts.", ff * c["n_shared_experts"], d)
    return w.linear(w.rms(x, "model.norm", eps), "lm_head", VOCAB)


def gemma4(c, w, ids):
    """Values that are keys where attention is full, with heads of their own; no inputs of layers; a wide network in layers that
    look at others' keys and values."""
    d, n, eps = c["hidden_size"], c["num_attention_heads"], c["rms_norm_eps"]
    x = w("model.embed_tokens.weight", VOCAB, d)[ids] * math.sqrt(d)
    types, shared = c["layer_types"], c["num_hidden_layers"] - c["num_kv_shared_layers"]
    seen = {}
    for i, kind in enumerate(types):
        p, full = f"model.layers.{i}.", kind == "full_attention"
        hd = c["global_head_dim"] if full else c["head_dim"]
        kv = c["num_global_key_value_heads"] if full else c["num_key_value_heads"]
        freqs = frequencies(hd, 1e6 if full else 1e4)
        if full:
            freqs = np.where(np.arange(hd // 2) < int(0.25 * hd // 2), freqs, 0)
        h = w.rms(x, p + "input_layernorm", eps)
        q = turn(w.rms(heads(w.linear(h, p + "self_attn.q_proj", n * hd), n), p + "self_attn.q_norm", eps), freqs)
        if i < shared:
            k = heads(w.linear(h, p + "self_attn.k_proj", kv * hd), kv)
            v = k if full else heads(w.linear(h, p + "self_attn.v_proj", kv * hd), kv)
            v = v / np.sqrt((v * v).mean(-1, keepdims=True) + eps)
            seen[kind] = turn(w.rms(k, p + "self_attn.k_norm", eps), freqs), v
        out = attend(q, *seen[kind], 1.0, 0 if full else c["sliding_window"])
        x = x + w.rms(w.linear(out, p + "self_attn.o_proj", d), p + "post_attention_layernorm", eps)
        h, ff, m = w.rms(x, p + "pre_feedforward_layernorm", eps), c["intermediate_size"] * (1 if i < shared else 2), p + "mlp."
        h = gelu_tanh(w.linear(h, m + "gate_proj", ff)) * w.linear(h, m + "up_proj", ff)
        x = x + w.rms(w.linear(h, m + "down_proj", d), p + "post_feedforward_layernorm", eps)
        x = x * w(p + "layer_scalar", 1)
    return w.rms(x, "model.norm", eps) @ w("model.embed_tokens.weight", VOCAB, d).T


ROPE = dict(rope_type="default", rope_theta=10000.0)
def ouro_loop(c, w, ids, norms_between, post_norms):
    d, eps = c["hidden_size"], c["rms_norm_eps"]
    x = w("model.embed_tokens.weight", VOCAB, d)[ids]
    loops = c.get("total_ut_steps") or c.get("num_loops", 1)

    def after(y, name):
        return w.rms(y, name, eps) if post_norms else y

    for loop in range(loops):
        for i in range(c["num_hidden_layers"]):
            p = f"model.layers.{i}."
            q, k, v = plain_qkv(c, w, w.rms(x, p + "input_layernorm", eps), p, False)
            freqs = frequencies(q.shape[-1], c["rope_theta"])
            out = w.linear(attend(turn(q, freqs), turn(k, freqs), v, q.shape[-1] ** -0.5), p + "self_attn.o_proj", d)
            x = x + after(out, p + "input_layernorm_2")
            out = gated(w, w.rms(x, p + "post_attention_layernorm", eps), p + "mlp.", c["intermediate_size"], d)
            x = x + after(out, p + "post_attention_layernorm_2")
        if norms_between or loop + 1 == loops:
            x = w.rms(x, "model.norm", eps)
    return w.linear(x, "lm_head", VOCAB)


def ouro(c, w, ids):
    w("model.early_exit_gate.weight", 1, c["hidden_size"]), w("model.early_exit_gate.bias", 1)
    return ouro_loop(c, w, ids, True, True)


def nanbeige(c, w, ids):
    return ouro_loop(c, w, ids, not c["skip_loop_final_norm"], False)


def huginn(c, w, ids):
    d, n, eps, t = c["n_embd"], c["num_attention_heads"], c["norm_eps"], "transformer."
    freqs = frequencies(d // n, c["rope_base"])

    def block(x, p):
        qkv = w.linear(w.rms(x, p + "norm_1", eps), p + "attn.Wqkv", 3 * d)
        q, k, v = (heads(part, n) for part in np.split(qkv, 3, -1))
        q_bias, k_bias = w(p + "attn.qk_bias", 2, 1, n, d // n)
        q, k = turn(q + q_bias, freqs, interleaved=True), turn(k + k_bias, freqs, interleaved=True)
        x = w.rms(w.linear(attend(q, k, v, (d // n) ** -0.5), p + "attn.proj", d) + x, p + "norm_2", eps)
        a, b = np.split(w.linear(w.rms(x, p + "norm_3", eps), p + "mlp.fc", 2 * c["intermediate_size"]), 2, -1)
        return w.rms(w.linear(silu(a) * b, p + "mlp.proj", d) + x, p + "norm_4", eps)

    e = w(t + "wte.weight", VOCAB, d)[ids] * c["init_values"]["embed_scale"]
    for i in range(c["n_layers_in_prelude"]):
        e = block(e, f"{t}prelude.{i}.")
    x = np.zeros_like(e)
    for _ in range(c["mean_recurrence"]):
        x = w.linear(np.concatenate([x, e], -1), t + "adapter", d)
        for i in range(c["n_layers_in_recurrent_block"]):
            x = block(x, f"{t}core_block.{i}.")
    x = w.rms(x, t + "ln_f", eps)
    for i in range(c["n_layers_in_coda"]):
        x = block(x, f"{t}coda.{i}.")
    return w.rms(x, t + "ln_f", eps) @ w(t + "wte.weight", VOCAB, d).T


CASES = {
    "ouro": (ouro, dict(BASE, model_type="ouro", num_key_value_heads=4, rms_norm_eps=1e-6, rope_theta=1000000.0,
                        hidden_act="silu", total_ut_steps=4, early_exit_threshold=1.0, use_sliding_window=False,
                        sliding_window=None, layer_types=["full_attention"] * 2)),
    "nanbeige": (nanbeige, dict(BASE, model_type="nanbeige", num_key_value_heads=2, head_dim=16, rms_norm_eps=1e-5,
                                rope_theta=70000000.0, hidden_act="silu", num_loops=2, skip_loop_final_norm=False,
                                loop_loss_weights=[], enable_hyper_connection=False)),
    "nanbeige_no_norm": (nanbeige, dict(BASE, model_type="nanbeige", rms_norm_eps=1e-5, rope_theta=10000.0, hidden_act="silu",
                                        num_loops=3, skip_loop_final_norm=True)),
    "huginn": (huginn, dict(model_type="huginn_raven", vocab_size=VOCAB, padded_vocab_size=VOCAB, bos_token_id=1, eos_token_id=2,
                            n_embd=32, num_attention_heads=4, num_key_value_heads=4, intermediate_size=40, n_layers=4,
                            block_size=256, norm_eps=1e-6, rope_base=50000, qk_bias=True, bias=False, tie_embeddings=True,
                            n_layers_in_prelude=1, n_layers_in_recurrent_block=2, n_layers_in_coda=1, mean_recurrence=5,
                            injection_type="linear", test_time_noise=0, init_values=dict(std=0.1, embed_scale=2.5))),
    "internlm2": (internlm2, dict(BASE, model_type="internlm2", num_key_value_heads=2, rms_norm_eps=1e-5, bias=False,
                                  rope_theta=1000000.0, hidden_act="silu")),
    "internlm2_bias": (internlm2, dict(BASE, model_type="internlm2", num_key_value_heads=1, rms_norm_eps=1e-5, bias=True,
                                       rope_theta=10000.0, hidden_act="silu")),
    "baichuan_7b": (baichuan, dict(BASE, model_type="baichuan", rms_norm_eps=1e-6, hidden_act="silu")),
    "baichuan_13b": (baichuan, dict({k: v for k, v in BASE.items() if k != "max_position_embeddings"}, model_type="baichuan",
                                    model_max_length=256, hidden_size=48, num_attention_heads=6, rms_norm_eps=1e-6,
                                    hidden_act="silu")),
    "jais2": (jais2, dict(BASE, model_type="jais2", layer_norm_eps=1e-5, num_key_value_heads=2, attention_bias=True,
                          mlp_bias=True, head_dim=8, hidden_act="relu2", rope_parameters=ROPE)),
    "cwm": (cwm, dict(BASE, model_type="cwm", num_hidden_layers=5, num_key_value_heads=2, head_dim=8, rms_norm_eps=1e-5,
                      sliding_window=8, hidden_act="silu", rope_parameters=dict(
                          rope_type="llama3", rope_theta=1000000.0, factor=16.0, low_freq_factor=1.0, high_freq_factor=4.0,
                          original_max_position_embeddings=64))),
    "hyperclovax": (hyperclovax, dict(BASE, model_type="hyperclovax", num_key_value_heads=2, rms_norm_eps=1e-6,
                                      embedding_multiplier=4.0, logits_scaling=0.5, residual_multiplier=0.7, head_dim=8,
                                      use_post_norm=True, hidden_act="silu", rope_parameters=ROPE)),
    # Each prompt stays on one side of the original context with all that is drawn.
    "phimoe": (phimoe, dict(BASE, model_type="phimoe", num_key_value_heads=2, rms_norm_eps=1e-5, attention_bias=True,
                            lm_head_bias=True, num_local_experts=4, num_experts_per_tok=2, router_jitter_noise=0.3,
                            intermediate_size=24, hidden_act="silu", rope_theta=10000.0, rope_scaling=dict(
                                type="longrope", short_mscale=1.1, long_mscale=1.2, original_max_position_embeddings=32,
                                short_factor=[1.0, 1.1, 1.2, 1.3], long_factor=[1.5, 2.0, 2.5, 3.0]))),
    "openelm": (openelm, dict(model_type="openelm", vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, model_dim=32, head_dim=8,
                              num_transformer_layers=3, num_query_heads=[4, 6, 8], num_kv_heads=[1, 2, 4],
                              ffn_multipliers=[0.5, 1.3, 4.0], ffn_dim_divisor=8, ffn_with_glu=True, activation_fn_name="swish",
                              normalization_layer_name="rms_norm", normalize_qk_projections=True, max_context_length=256,
                              rope_freq_constant=10000, rope_max_length=512, share_input_output_layers=True)),
    "ministral3_long": (ministral3, dict(BASE, model_type="ministral3", num_key_value_heads=2, head_dim=8, rms_norm_eps=1e-5,
                                         sliding_window=None, hidden_act="silu", rope_parameters=dict(
                                             ROPE, llama_4_scaling_beta=0.3, original_max_position_embeddings=8))),
    "hunyuan_alpha": (hunyuan, dict(BASE, model_type="hunyuan_v1_dense", num_key_value_heads=2, head_dim=8, rms_norm_eps=1e-5,
                                    hidden_act="silu", rope_theta=10000.0, rope_scaling=dict(
                                        type="dynamic", alpha=50.0, factor=1.0, beta_fast=32, beta_slow=1, mscale=1.0,
                                        mscale_all_dim=1.0))),
    "gpt_bigcode_heads": (gpt_bigcode, dict(model_type="gpt_bigcode", vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, n_embd=32,
                                            n_layer=2, n_head=4, n_positions=128, n_ctx=64, multi_query=False, n_inner=None,
                                            scale_attn_weights=False, layer_norm_epsilon=1e-5,
                                            activation_function="gelu_pytorch_tanh")),
    "deepseek_v2_groups": (deepseek_v2, dict(BASE, model_type="deepseek_v2", num_hidden_layers=3, kv_lora_rank=16, q_lora_rank=24,
                                             qk_nope_head_dim=8, qk_rope_head_dim=8, v_head_dim=12, rms_norm_eps=1e-6,
                                             hidden_act="silu", rope_theta=10000.0, n_routed_experts=8, num_experts_per_tok=3,
                                             n_shared_experts=2, moe_intermediate_size=16, first_k_dense_replace=1, n_group=4,
                                             topk_group=2, topk_method="group_limited_greedy", norm_topk_prob=False,
                                             routed_scaling_factor=2.5, rope_scaling=dict(
                                                 type="yarn", factor=4.0, beta_fast=32, beta_slow=1, mscale=0.7,
                                                 mscale_all_dim=0.9, original_max_position_embeddings=64))),
    "gemma4_shared_keys": (gemma4, dict(BASE, model_type="gemma4_text", num_hidden_layers=5, num_key_value_heads=2, head_dim=8,
                                 global_head_dim=16, num_global_key_value_heads=1, attention_k_eq_v=True, sliding_window=8,
                                 num_kv_shared_layers=2, use_double_wide_mlp=True, hidden_size_per_layer_input=0,
                                 layer_types=["sliding_attention", "full_attention", "sliding_attention", "sliding_attention",
                                              "full_attention"], rms_norm_eps=1e-6)),
    "plm": (plm, dict(BASE, model_type="plm", kv_lora_rank=16, qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=12,
                      q_lora_rank=None, rms_norm_eps=1e-6, hidden_act="relu2", rope_theta=10000.0, tie_word_embeddings=True)),
}


def reference(function, config, weights, lengths, random):
    prompts = []
    for length in lengths:
        ids = [int(i) for i in random.integers(3, VOCAB, length)]
        logits = function(config, weights, np.array(ids))
        logprobs = np.log(softmax(logits))
        greedy = list(ids)
        for _ in range(GREEDY):
            greedy.append(int(np.argmax(function(config, weights, np.array(greedy))[-1])))
        prompts.append(dict(ids=ids, logprobs=[float(logprobs[i, ids[i + 1]]) for i in range(length - 1)],
                            last_logits=[float(v) for v in logits[-1]], greedy=greedy[length:]))
    return prompts


def write(folder, config, tensors, prompts):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "expected.json").write_text(json.dumps(dict(prompts=prompts)) + "\n")


# ---- loops that end early ----
# Token by token, with keys and values by (loop, layer). From the prompt's last token on a rule may end a token's loop; the later
# loops get what it left in its last one.


class Stored(Weights):
    def __init__(self, tensors):
        self.tensors = tensors


class Looped:
    def __init__(self, c, w):
        self.c, self.w, self.cache = c, w, {}

    def attend(self, slot, q, k, v, scale):
        keys, values = self.cache.setdefault(slot, ([], []))
        del keys[self.position:], values[self.position:]
        keys.append(k), values.append(v)
        share = q.shape[1] // k.shape[1]
        ks, vs = (np.repeat(np.concatenate(t), share, 1) for t in (keys, values))
        return np.einsum("hj,jhd->hd", softmax(np.einsum("hd,jhd->hj", q[0], ks) * scale), vs).reshape(1, -1)

    def turned(self, x, freqs, interleaved=False):
        before = np.zeros((self.position, *x.shape[1:]))
        return turn(np.concatenate([before, x]), freqs, interleaved=interleaved)[-1:]

    def leave(self, loop, loops, layers):
        for later in range(loop, loops):
            for i in range(layers):
                keys, values = self.cache.setdefault((later, i), ([], []))
                del keys[self.position:], values[self.position:]
                keys.append(self.cache[loop - 1, i][0][self.position]), values.append(self.cache[loop - 1, i][1][self.position])

    def token(self, position, token, rule, loops):
        """Logits after a token, the loops it took, and how near the rule was to another decision."""
        self.position = position
        x, before, survival, margin = self.start(token), None, 1.0, 1e9
        kind, _, limit = rule.replace(">", "<").partition("<")
        for loop in range(1, loops + 1):
            x = self.loop(loop, x)
            if loop == loops or kind == "none":
                continue
            seen = self.output(x)[0] if kind in ("kl", "stable") else x[0].copy()
            if kind == "gate":
                survival *= 1 - self.gate(x)
                value, limit_value = -(1 - survival), -float(limit)
            elif before is None:
                value, limit_value = 1e9, 0
            elif kind == "kl":
                p, q = softmax(seen), softmax(before)
                value, limit_value = float((p * np.log(p / q)).sum()), float(limit)
            elif kind == "latent":
                value, limit_value = float(np.linalg.norm(seen - before) / np.linalg.norm(seen)), float(limit)
            else:
                value, limit_value = float(seen.argmax() != before.argmax()), 0.5
            before = seen
            margin = min(margin, abs(value - limit_value) / abs(limit_value or 1))
            if value < limit_value:
                self.leave(loop, loops, self.layers)
                return self.output(x)[0], loop, margin
        return self.output(x)[0], loops, margin


class LoopedOuro(Looped):
    def __init__(self, c, w):
        super().__init__(c, w)
        self.layers = c["num_hidden_layers"]

    def start(self, token):
        return self.w("model.embed_tokens.weight", VOCAB, self.c["hidden_size"])[[token]]

    def loop(self, loop, x):
        c, w, d, eps = self.c, self.w, self.c["hidden_size"], self.c["rms_norm_eps"]
        if loop > 1:
            x = w.rms(x, "model.norm", eps)
        for i in range(self.layers):
            p = f"model.layers.{i}."
            q, k, v = plain_qkv(c, w, w.rms(x, p + "input_layernorm", eps), p, False)
            freqs = frequencies(q.shape[-1], c["rope_theta"])
            out = self.attend((loop - 1, i), self.turned(q, freqs), self.turned(k, freqs), v, q.shape[-1] ** -0.5)
            x = x + w.rms(w.linear(out, p + "self_attn.o_proj", d), p + "input_layernorm_2", eps)
            out = gated(w, w.rms(x, p + "post_attention_layernorm", eps), p + "mlp.", c["intermediate_size"], d)
            x = x + w.rms(out, p + "post_attention_layernorm_2", eps)
        return x

    def gate(self, x):
        normal = self.w.rms(x, "model.norm", self.c["rms_norm_eps"])
        return 1 / (1 + math.exp(-float(self.w.linear(normal, "model.early_exit_gate", 1, True)[0, 0])))

    def output(self, x):
        return self.w.linear(self.w.rms(x, "model.norm", self.c["rms_norm_eps"]), "lm_head", VOCAB)


class LoopedHuginn(Looped):
    def __init__(self, c, w):
        super().__init__(c, w)
        self.layers = c["n_layers_in_recurrent_block"]

    def block(self, x, p, slot):
        c, w, d, n, eps = self.c, self.w, self.c["n_embd"], self.c["num_attention_heads"], self.c["norm_eps"]
        freqs = frequencies(d // n, c["rope_base"])
        q, k, v = (heads(t, n) for t in np.split(w.linear(w.rms(x, p + "norm_1", eps), p + "attn.Wqkv", 3 * d), 3, -1))
        q_bias, k_bias = w(p + "attn.qk_bias", 2, 1, n, d // n)
        q, k = self.turned(q + q_bias, freqs, True), self.turned(k + k_bias, freqs, True)
        out = w.linear(self.attend(slot, q, k, v, (d // n) ** -0.5), p + "attn.proj", d)
        x = w.rms(out + x, p + "norm_2", eps)
        a, b = np.split(w.linear(w.rms(x, p + "norm_3", eps), p + "mlp.fc", 2 * c["intermediate_size"]), 2, -1)
        return w.rms(w.linear(silu(a) * b, p + "mlp.proj", d) + x, p + "norm_4", eps)

    def start(self, token):
        self.e = self.w("transformer.wte.weight", VOCAB, self.c["n_embd"])[[token]] * self.c["init_values"]["embed_scale"]
        for i in range(self.c["n_layers_in_prelude"]):
            self.e = self.block(self.e, f"transformer.prelude.{i}.", ("prelude", i))
        return np.zeros_like(self.e)

    def loop(self, loop, x):
        x = self.w.linear(np.concatenate([x, self.e], -1), "transformer.adapter", self.c["n_embd"])
        for i in range(self.layers):
            x = self.block(x, f"transformer.core_block.{i}.", (loop - 1, i))
        return x

    def output(self, x):
        x = self.w.rms(x, "transformer.ln_f", self.c["norm_eps"])
        for i in range(self.c["n_layers_in_coda"]):
            x = self.block(x, f"transformer.coda.{i}.", ("coda", i))
        table = self.w("transformer.wte.weight", VOCAB, self.c["n_embd"])
        return self.w.rms(x, "transformer.ln_f", self.c["norm_eps"]) @ table.T


EXITS = {
    "ouro": (LoopedOuro, [("kl<0.3", 4), ("latent<0.5", 4), ("stable", 4), ("gate>0.7", 4), ("none", 2), ("kl<0.1", 7)]),
    "huginn": (LoopedHuginn, [("kl<0.5", 5), ("latent<0.7", 5), ("stable", 5), ("none", 9), ("kl<0.3", 8)]),
}


def write_exits(out, case):
    kind, rules = EXITS[case]
    config, tensors = json.loads((out / case / "config.json").read_text()), load_file(out / case / "model.safetensors")
    prompt = json.loads((out / case / "expected.json").read_text())["prompts"][1]["ids"]
    results = []
    for rule, loops in rules:
        model, ids, used, margins = kind(config, Stored(tensors)), list(prompt), [], []
        for i in range(len(prompt) - 1):
            model.token(i, ids[i], "none", loops)
        for _ in range(GREEDY):
            logits, took, margin = model.token(len(ids) - 1, ids[-1], rule, loops)
            top = np.sort(logits)[-2:]
            margins += [margin, top[1] - top[0]]
            ids.append(int(logits.argmax()))
            used.append(took)
        print(case, rule, loops, "used", used, "least margin", min(margins))
        assert min(margins) > 1e-4
        results.append(dict(exit_when=rule, loops=loops, ids=prompt, greedy=ids[len(prompt):], used=used))
    (out / case / "exits.json").write_text(json.dumps(results) + "\n")


# name: (case, its text model's names begin with, the wrapper's fields, others' tensors, section or None)
WRAPPED = {
    "gemma3_wrapped": ("gemma3_new", ("model.", "language_model.model."), dict(model_type="gemma3"),
                       ["vision_tower.a.weight", "multi_modal_projector.b.weight"], "text_config"),
    "mistral3_wrapped": ("mistral_no_window", ("model.", "model.language_model."), dict(model_type="mistral3"),
                         ["model.vision_tower.a.weight", "model.multi_modal_projector.b.weight"], "text_config"),
    "llava_wrapped": ("llama_head_dim", ("model.", "language_model.model."), dict(model_type="llava", image_token_index=3),
                      ["vision_tower.a.weight", "multi_modal_projector.b.weight"], "text_config"),
    "smolvlm_wrapped": ("llama_multi_head", ("model.", "model.text_model."), dict(model_type="smolvlm", tie_word_embeddings=False),
                        ["model.vision_model.a.weight", "model.connector.b.weight"], "text_config"),
    "qwen2_vl_flat": ("qwen2_windows", ("model.", "model."), dict(model_type="qwen2_vl", rope_scaling=dict(
        type="mrope", mrope_section=[1, 1, 2])), ["visual.a.weight"], None),
}


def pair_name(name):
    """A name of Dory's layers as published files have it: attention and feed-forward part are layers of their own."""
    p = name.split(".")
    if p[1] != "layers":
        return name
    i = 2 * int(p[2])
    if p[3] in ("lambda_1", "lambda_2"):
        return f"backbone.layers.{i}.attn_alpha" if p[3] == "lambda_1" else f"backbone.layers.{i + 1}.mlp_alpha"
    return ".".join(["backbone", "layers", str(i if p[3] == "self_attn" else i + 1), "mixer", *p[4:]])


def write_pairs(out, name, case):
    tensors = {pair_name(key): value for key, value in load_file(out / case / "model.safetensors").items()}
    prompts = json.loads((out / case / "expected.json").read_text())["prompts"]
    write(out / name, json.loads((out / case / "config.json").read_text()), tensors, prompts)


def wrap(out, name):
    case, (old, new), fields, others, section = WRAPPED[name]
    text = json.loads((out / case / "config.json").read_text())
    text.pop("architectures", None)
    if section:
        config = dict(fields, **{section: text})
    else:
        text.pop("rope_parameters", None)
        config = dict(text, **fields)
    outer = new[:-len("model.")] if new.endswith("language_model.model.") else ""
    tensors = {}
    for file in sorted((out / case).glob("*.safetensors")):
        for key, value in load_file(file).items():
            tensors[new + key[len(old):] if key.startswith(old) else outer + key] = value
    for key in others:
        tensors[key] = np.ones((3, 4), np.float32)
    write(out / name, config, tensors, json.loads((out / case / "expected.json").read_text())["prompts"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent / "tests/golden")
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    for case in EXITS:
        if not arguments.only or case + "_exits" in arguments.only:
            write_exits(arguments.out, case)
    if not arguments.only or "dory_pairs" in arguments.only:
        write_pairs(arguments.out, "dory_pairs", "dory_small")
    for name in [*CASES, *WRAPPED]:
        if arguments.only and name not in arguments.only:
            continue
        if name in WRAPPED:
            wrap(arguments.out, name)
        else:
            function, config = CASES[name]
            weights = Weights(zlib.crc32(name.encode()))
            prompts = reference(function, config, weights, PROMPT_LENGTHS, weights.random)
            write(arguments.out / name, config, weights.tensors, prompts)
        print(name)


if __name__ == "__main__":
    main()
