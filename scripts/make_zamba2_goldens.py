#!/usr/bin/env python3
"""A small random checkpoint of Zamba2 with reference outputs, from the published definition in plain numpy (float64): blocks that
are used several times, adapters of their attention, rotary positions, grouped heads. arXiv:2411.15242. Fields as
make_goldens.py writes them.

    scripts/make_zamba2_goldens.py tests/golden
    scripts/make_zamba2_goldens.py --check FOLDER     compares an existing checkpoint's expected.json with this definition
"""
import json
import pathlib
import sys
from math import erf

import numpy as np
from safetensors.numpy import load_file, save_file

VOCAB, PROMPTS, GREEDY = 64, (1, 7, 40), 12


def silu(x):
    return x / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(erf)(x / np.sqrt(2)))


def rms(x, weight, eps):
    return x / np.sqrt((x * x).mean() + eps) * weight


class Zamba2:
    def __init__(self, config, tensors):
        self.c, self.t = config, {name: value.astype(np.float64) for name, value in tensors.items()}
        self.eps = config["rms_norm_eps"]
        self.uses = [i for i, kind in enumerate(config["layers_block_type"]) if kind == "hybrid"]

    def mamba(self, p, x, state):
        c, t = self.c, self.t
        inner, groups, n = c["mamba_expand"] * c["hidden_size"], c["mamba_ngroups"], c["mamba_d_state"]
        heads = c["n_mamba_heads"]
        width = inner // heads
        z, xbc, dt = np.split(t[f"{p}.in_proj.weight"] @ x, [inner, 2 * inner + 2 * groups * n])
        state["conv"] = np.concatenate([state["conv"][1:], xbc[None]])
        xbc = silu((state["conv"].T * t[f"{p}.conv1d.weight"][:, 0]).sum(1) + t[f"{p}.conv1d.bias"])
        v, b, cc = np.split(xbc, [inner, inner + groups * n])
        v = v.reshape(heads, width)
        b, cc = (np.repeat(m.reshape(groups, n), heads // groups, 0) for m in (b, cc))
        dt = np.maximum(np.log1p(np.exp(dt + t[f"{p}.dt_bias"])), c["time_step_min"])
        decay = np.exp(-np.exp(t[f"{p}.A_log"]) * dt)
        state["s"] = decay[:, None, None] * state["s"] + (dt[:, None] * v)[:, :, None] * b[:, None, :]
        y = np.einsum("hpn,hn->hp", state["s"], cc) + t[f"{p}.D"][:, None] * v
        y = (y.reshape(-1) * silu(z)).reshape(groups, -1)
        y = np.concatenate([rms(row, 1, 1e-5) for row in y]) * t[f"{p}.norm.weight"]
        return t[f"{p}.out_proj.weight"] @ y

    def adapted(self, p, name, adapter, use, x):
        out = self.t[f"{p}.{name}.weight"] @ x
        if f"{p}.{adapter}.{use}.0.weight" in self.t:
            out = out + self.t[f"{p}.{adapter}.{use}.1.weight"] @ (self.t[f"{p}.{adapter}.{use}.0.weight"] @ x)
        return out

    def block(self, layer, x, embedded, state):
        c, t = self.c, self.t
        use = self.uses.index(layer)
        p = f"model.layers.{self.uses[use % c['num_mem_blocks']]}.shared_transformer"
        pair = rms(np.concatenate([x, embedded]), t[p + ".input_layernorm.weight"], self.eps)
        heads, groups = c["num_attention_heads"], c["num_key_value_heads"]
        n = 2 * c["hidden_size"] // heads
        q, k, v = (self.adapted(p + ".self_attn", m + "_proj", f"linear_{m}_adapter_list", use, pair).reshape(-1, n) for m in "qkv")
        if c.get("use_mem_rope"):
            theta = (c.get("rope_parameters") or {}).get("rope_theta", 10000.0)
            angle = len(state["kv"]) * theta ** (-np.arange(n // 2) / (n // 2))

            def turned(m):
                a, b = m[:, :n // 2], m[:, n // 2:]
                return np.concatenate([a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle)], 1)

            q, k = turned(q), turned(k)
        state["kv"].append((k, v))
        out = []
        for head in range(heads):
            group = head // (heads // groups)
            scores = np.array([q[head] @ keys[group] for keys, _ in state["kv"]]) / np.sqrt(n / 2)
            weights = np.exp(scores - scores.max())
            out.append(sum(w * values[group] for w, (_, values) in zip(weights / weights.sum(), state["kv"])))
        y = t[p + ".self_attn.o_proj.weight"] @ np.concatenate(out)
        y = rms(y, t[p + ".pre_ff_layernorm.weight"], self.eps)
        gate, up = np.split(self.adapted(p + ".feed_forward", "gate_up_proj", "gate_up_proj_adapter_list", use, y), 2)
        y = t[p + ".feed_forward.down_proj.weight"] @ (gelu(gate) * up)
        return t[f"model.layers.{layer}.linear.weight"] @ y

    def run(self, ids):
        c, t = self.c, self.t
        inner = c["mamba_expand"] * c["hidden_size"]
        channels = inner + 2 * c["mamba_ngroups"] * c["mamba_d_state"]
        states = [{"conv": np.zeros((c["mamba_d_conv"], channels)), "kv": [],
                   "s": np.zeros((c["n_mamba_heads"], inner // c["n_mamba_heads"], c["mamba_d_state"]))}
                  for _ in c["layers_block_type"]]
        rows = []
        for token in ids:
            x = embedded = t["model.embed_tokens.weight"][token]
            for i, kind in enumerate(c["layers_block_type"]):
                p = f"model.layers.{i}"
                y = x
                if kind == "hybrid":
                    y = x + self.block(i, x, embedded, states[i])
                    p += ".mamba_decoder"
                x = x + self.mamba(p + ".mamba", rms(y, t[p + ".input_layernorm.weight"], self.eps), states[i])
            rows.append(t["model.embed_tokens.weight"] @ rms(x, t["model.final_layernorm.weight"], self.eps))
        return np.stack(rows)


def shapes_of(c):
    d, f, rank = c["hidden_size"], c["intermediate_size"], c["adapter_rank"]
    inner, heads = c["mamba_expand"] * d, c["n_mamba_heads"]
    channels = inner + 2 * c["mamba_ngroups"] * c["mamba_d_state"]
    kv = 2 * d // c["num_attention_heads"] * c["num_key_value_heads"]
    uses = [i for i, kind in enumerate(c["layers_block_type"]) if kind == "hybrid"]
    shapes = {"model.embed_tokens.weight": (VOCAB, d), "model.final_layernorm.weight": (d,)}
    for i, kind in enumerate(c["layers_block_type"]):
        p = f"model.layers.{i}"
        if kind == "hybrid":
            shapes[p + ".linear.weight"] = (d, d)
            p += ".mamba_decoder"
        shapes.update({p + ".input_layernorm.weight": (d,), p + ".mamba.A_log": (heads,), p + ".mamba.D": (heads,),
                       p + ".mamba.dt_bias": (heads,), p + ".mamba.conv1d.bias": (channels,),
                       p + ".mamba.conv1d.weight": (channels, 1, c["mamba_d_conv"]), p + ".mamba.norm.weight": (inner,),
                       p + ".mamba.in_proj.weight": (inner + channels + heads, d), p + ".mamba.out_proj.weight": (d, inner)})
    for use, _ in enumerate(uses):
        p = f"model.layers.{uses[use % c['num_mem_blocks']]}.shared_transformer"
        attention, feed = p + ".self_attn", p + ".feed_forward"
        shapes.update({p + ".input_layernorm.weight": (2 * d,), p + ".pre_ff_layernorm.weight": (d,),
                       attention + ".q_proj.weight": (2 * d, 2 * d), attention + ".k_proj.weight": (kv, 2 * d),
                       attention + ".v_proj.weight": (kv, 2 * d), attention + ".o_proj.weight": (d, 2 * d),
                       feed + ".gate_up_proj.weight": (2 * f, d), feed + ".down_proj.weight": (d, f),
                       f"{feed}.gate_up_proj_adapter_list.{use}.0.weight": (rank, d),
                       f"{feed}.gate_up_proj_adapter_list.{use}.1.weight": (2 * f, rank)})
        for m, rows in (("q", 2 * d), ("k", kv), ("v", kv)) if c["use_shared_attention_adapter"] else ():
            shapes[f"{attention}.linear_{m}_adapter_list.{use}.0.weight"] = (rank, 2 * d)
            shapes[f"{attention}.linear_{m}_adapter_list.{use}.1.weight"] = (rows, rank)
    return shapes


CASE = {"model_type": "zamba2", "vocab_size": VOCAB, "hidden_size": 24, "num_hidden_layers": 7, "intermediate_size": 40,
        "layers_block_type": ["mamba", "hybrid", "hybrid", "mamba", "hybrid", "hybrid", "hybrid"], "num_mem_blocks": 2,
        "mamba_expand": 2, "n_mamba_heads": 6, "mamba_ngroups": 3, "mamba_d_state": 8, "mamba_d_conv": 4, "time_step_min": 0.05,
        "num_attention_heads": 6, "num_key_value_heads": 6, "adapter_rank": 5, "use_shared_attention_adapter": True,
        "use_mem_rope": True, "rope_parameters": {"rope_type": "default", "rope_theta": 700.0}, "rms_norm_eps": 1e-5,
        "hidden_act": "gelu", "max_position_embeddings": 256, "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2}


def scores(logits, ids):
    logprobs = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True)) - logits.max(1, keepdims=True)
    return [float(logprobs[i, ids[i + 1]]) for i in range(len(ids) - 1)]


def make(name, config, out):
    random = np.random.default_rng(sum(name.encode()))
    tensors = {}
    for key, shape in shapes_of(config).items():
        center = 1 if "norm" in key or key.endswith(".D") else 0
        scale = 0.2 if len(shape) == 1 else 0.7 / np.sqrt(shape[-1])
        tensors[key] = random.normal(center, scale, shape).astype(np.float32)
    network, prompts = Zamba2(config, tensors), []
    for n in PROMPTS:
        ids = [int(i) for i in random.integers(3, VOCAB, n)]
        logits, text = network.run(ids), list(ids)
        for _ in range(GREEDY):
            text.append(int(network.run(text)[-1].argmax()))
        prompts.append({"ids": ids, "logprobs": scores(logits, ids), "last_logits": [float(x) for x in logits[-1]],
                        "greedy": text[n:]})
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "expected.json").write_text(json.dumps({"case": name, "prompts": prompts}) + "\n")


def check(folder):
    config = json.loads((folder / "config.json").read_text())
    network = Zamba2(config, load_file(folder / "model.safetensors"))
    worst = 0
    for prompt in json.loads((folder / "expected.json").read_text())["prompts"]:
        logits = network.run(prompt["ids"])
        worst = max(worst, np.abs(logits[-1] - prompt["last_logits"]).max(),
                    np.abs(np.array(scores(logits, prompt["ids"])) - prompt["logprobs"]).max(initial=0))
    print(f"{folder}: off by {worst:.2e} at the most")
    sys.exit(worst > 1e-4)


if __name__ == "__main__":
    if sys.argv[1] == "--check":
        check(pathlib.Path(sys.argv[2]))
    make("zamba2_adapters", CASE, pathlib.Path(sys.argv[1]))
