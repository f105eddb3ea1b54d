#!/usr/bin/env python3
"""Small random checkpoints of RWKV-5.2, 6 and 7 with reference outputs, from the papers' equations in plain numpy (float64):
no package has these families. arXiv:2404.05892 (5 and 6), arXiv:2503.14456 (7). Fields as make_goldens.py writes them.

    scripts/make_rwkv_goldens.py tests/golden
"""
import json
import pathlib
import sys

import numpy as np
from safetensors.numpy import save_file

VOCAB, PROMPTS, GREEDY = 64, (1, 7, 40), 12


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


def layer_norm(x, weight, bias, eps):
    return (x - x.mean()) / np.sqrt(x.var() + eps) * weight + bias


class Network:
    """One checkpoint: `t` are its tensors by the names in the file."""

    def __init__(self, config, tensors):
        self.c, self.t = config, {name: value.astype(np.float64) for name, value in tensors.items()}
        self.d, self.n = config["hidden_size"], config.get("head_size", config.get("head_dim"))
        self.h = self.d // self.n
        self.m = np.max(config.get("value_dim", self.d)) // self.h  # values of a head

    def heads_norm(self, y, prefix, eps):
        w, b = self.t[prefix + ".weight"].reshape(self.h, self.m), self.t[prefix + ".bias"].reshape(self.h, self.m)
        return np.stack([layer_norm(y[i], w[i], b[i], eps) for i in range(self.h)]).reshape(-1)

    def norm(self, x, prefix):
        return layer_norm(x, self.t[prefix + ".weight"], self.t[prefix + ".bias"], 1e-5)

    def run(self, ids):
        states = [{"att": np.zeros(self.d), "ffn": np.zeros(self.d), "s": np.zeros((self.h, self.n, self.m)), "kv": []}
                  for _ in range(self.c["num_hidden_layers"])]
        return np.stack([self.step(token, states) for token in ids])


class Rwkv5And6(Network):
    def time_mix(self, p, x, state, version):
        t, before = self.t, state["att"]
        state["att"] = x
        if version == 5:
            share = {k: t[f"{p}.time_mix_{name}"].reshape(-1) for k, name in
                     zip("kvrg", ("key", "value", "receptance", "gate"))}
            xs = {k: x * m + before * (1 - m) for k, m in share.items()}
            w = np.exp(-np.exp(t[f"{p}.time_decay"].reshape(self.h, self.n)))
        else:
            dx = before - x
            z = np.tanh((x + dx * t[f"{p}.time_maa_x"].reshape(-1)) @ t[f"{p}.time_maa_w1"]).reshape(5, -1)
            m = {k: z[i] @ t[f"{p}.time_maa_w2"][i] for i, k in enumerate("wkvrg")}
            xs = {k: x + dx * (t[f"{p}.time_maa_{k}"].reshape(-1) + m[k]) for k in "wkvrg"}
            low = np.tanh(xs["w"] @ t[f"{p}.time_decay_w1"]) @ t[f"{p}.time_decay_w2"]
            w = np.exp(-np.exp(t[f"{p}.time_decay"].reshape(-1) + low)).reshape(self.h, self.n)
        r, k, v = (((t[f"{p}.{name}.weight"] @ xs[key]).reshape(self.h, self.n)) for key, name in
                   (("r", "receptance"), ("k", "key"), ("v", "value")))
        g = silu(t[f"{p}.gate.weight"] @ xs["g"])
        u = t[f"{p}.time_faaaa"].reshape(self.h, self.n)
        kv = k[:, :, None] * v[:, None, :]
        y = np.einsum("hi,hij->hj", r, u[:, :, None] * kv + state["s"])
        state["s"] = w[:, :, None] * state["s"] + kv
        divisor = self.c.get("head_size_divisor", 8)
        return t[f"{p}.output.weight"] @ (self.heads_norm(y, f"{p}.ln_x", 1e-5 * divisor ** 2) * g)

    def channel_mix(self, p, x, state, version):
        t, before = self.t, state["ffn"]
        state["ffn"] = x
        if version == 5:
            xk, xr = (x * t[f"{p}.time_mix_{n}"].reshape(-1) + before * (1 - t[f"{p}.time_mix_{n}"].reshape(-1))
                      for n in ("key", "receptance"))
        else:
            xk, xr = (x + (before - x) * t[f"{p}.time_maa_{n}"].reshape(-1) for n in "kr")
        return sigmoid(t[f"{p}.receptance.weight"] @ xr) * (
            t[f"{p}.value.weight"] @ np.maximum(t[f"{p}.key.weight"] @ xk, 0) ** 2)

    def step(self, token, states):
        version = 5 if self.c["model_type"] == "rwkv5" else 6
        x = self.norm(self.t["rwkv.embeddings.weight"][token], "rwkv.blocks.0.pre_ln")
        for i, state in enumerate(states):
            b = f"rwkv.blocks.{i}"
            x = x + self.time_mix(b + ".attention", self.norm(x, b + ".ln1"), state, version)
            x = x + self.channel_mix(b + ".feed_forward", self.norm(x, b + ".ln2"), state, version)
        return self.t["head.weight"] @ self.norm(x, "rwkv.ln_out")


class Rwkv7(Network):
    def time_mix(self, p, x, state, first):
        t, dx = self.t, state["att"] - x
        state["att"] = x
        xs = {k: x + dx * t[f"{p}.x_{k}"].reshape(-1) for k in "rwkvag"}

        def low(name, value, activate):
            return t[f"{p}.{name}_lora.lora.2.weight"] @ activate(t[f"{p}.{name}_lora.lora.0.weight"] @ value)

        def bias(name):
            return t[f"{p}.{name}_lora.lora.2.bias"]

        r, k, v = (t[f"{p}.{n}_proj.weight"] @ xs[n] for n in "rkv")
        w = np.exp(-np.exp(-0.5) * sigmoid(bias("w") + low("w", xs["w"], np.tanh)))
        a = sigmoid(bias("a") + low("a", xs["a"], lambda z: z))
        g = low("g", xs["g"], sigmoid)
        kappa = (k * t[f"{p}.k_k"].reshape(-1)).reshape(self.h, self.n)
        kappa = kappa / np.maximum(np.linalg.norm(kappa, axis=1, keepdims=True), 1e-12)
        k = k * (1 + (a - 1) * t[f"{p}.k_a"].reshape(-1))
        if first["v"] is None:
            first["v"] = v
        else:
            v = v + (first["v"] - v) * sigmoid(bias("v") + low("v", xs["v"], lambda z: z))
        r, w, k, v, a = (z.reshape(self.h, -1) for z in (r, w, k, v, a))
        s = state["s"]  # by key, then by value
        held = np.einsum("hi,hij->hj", kappa, s)
        s = s * w[:, :, None] - (kappa * a)[:, :, None] * held[:, None, :] + k[:, :, None] * v[:, None, :]
        state["s"] = s
        y = self.heads_norm(np.einsum("hi,hij->hj", r, s), f"{p}.g_norm", 1e-5 * self.n).reshape(self.h, self.m)
        y = y + (r * k * t[f"{p}.r_k"].reshape(self.h, self.n)).sum(1, keepdims=True) * v
        return t[f"{p}.o_proj.weight"] @ (y.reshape(-1) * g)

    def attention(self, p, x, state):
        """Layers of attention among RWKV's: halves turned by their positions, a window of so many tokens."""
        t, c = self.t, self.c["attn"]
        heads, groups = c["num_heads"], c.get("num_kv_heads", c["num_heads"])
        n, position = self.d // heads, len(state["kv"])
        angle = position * c.get("rope_theta", 10000.0) ** (-np.arange(n // 2) / (n // 2))

        def turned(z):
            a, b = z[:, :n // 2], z[:, n // 2:]
            return np.concatenate([a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle)], 1)

        q, k, v = (t[f"{p}.{m}_proj.weight"] @ x + (t[f"{p}.{m}_proj.bias"] if c.get("qkv_bias") else 0) for m in "qkv")
        state["kv"].append((turned(k.reshape(groups, n)), v.reshape(groups, n)))
        q, seen = turned(q.reshape(heads, n)), state["kv"][-(c.get("window_size") or len(state["kv"])):]
        out = []
        for head in range(heads):
            group = head // (heads // groups)
            scores = np.array([q[head] @ k[group] for k, _ in seen]) / np.sqrt(n)
            weights = np.exp(scores - scores.max())
            out.append(sum(w * v[group] for w, (_, v) in zip(weights / weights.sum(), seen)))
        return t[f"{p}.o_proj.weight"] @ np.concatenate(out)

    def step(self, token, states):
        t, first = self.t, {"v": None}
        x = self.norm(t["model.embeddings.weight"][token], "model.layers.0.pre_norm")
        for i, state in enumerate(states):
            b = f"model.layers.{i}"
            y = self.norm(x, b + ".attn_norm")
            attends = i in (self.c.get("attn") or {}).get("layers", [])
            x = x + (self.attention(b + ".attn", y, state) if attends else self.time_mix(b + ".attn", y, state, first))
            y = self.norm(x, b + ".ffn_norm")
            mixed = y + (state["ffn"] - y) * t[b + ".ffn.x_k"].reshape(-1)
            state["ffn"] = y
            x = x + t[b + ".ffn.value.weight"] @ np.maximum(t[b + ".ffn.key.weight"] @ mixed, 0) ** 2
        return t["lm_head.weight"] @ self.norm(x, "model.norm")


def shapes_5_and_6(config, version):
    d, n, f = config["hidden_size"], config["head_size"], config["intermediate_size"]
    shapes = {"rwkv.embeddings.weight": (VOCAB, d), "head.weight": (VOCAB, d)}
    norms = ["rwkv.ln_out", "rwkv.blocks.0.pre_ln"]
    for i in range(config["num_hidden_layers"]):
        b = f"rwkv.blocks.{i}"
        norms += [b + ".ln1", b + ".ln2", b + ".attention.ln_x"]
        shapes.update({f"{b}.attention.{m}.weight": (d, d) for m in ("key", "value", "receptance", "gate", "output")})
        shapes.update({f"{b}.attention.time_faaaa": (d // n, n), f"{b}.feed_forward.key.weight": (f, d),
                       f"{b}.feed_forward.value.weight": (d, f), f"{b}.feed_forward.receptance.weight": (d, d)})
        if version == 5:
            shapes.update({f"{b}.attention.time_mix_{m}": (1, 1, d) for m in ("key", "value", "receptance", "gate")})
            shapes.update({f"{b}.feed_forward.time_mix_{m}": (1, 1, d) for m in ("key", "receptance")})
            shapes[f"{b}.attention.time_decay"] = (d // n, n)
        else:
            r, w = config["time_mix_extra_dim"], config["time_decay_extra_dim"]
            shapes.update({f"{b}.attention.time_maa_{m}": (1, 1, d) for m in "xwkvrg"})
            shapes.update({f"{b}.feed_forward.time_maa_{m}": (1, 1, d) for m in "kr"})
            shapes.update({f"{b}.attention.time_maa_w1": (d, 5 * r), f"{b}.attention.time_maa_w2": (5, r, d),
                           f"{b}.attention.time_decay": (1, 1, d), f"{b}.attention.time_decay_w1": (d, w),
                           f"{b}.attention.time_decay_w2": (w, d)})
    return shapes, norms


def shapes_7(config):
    d, n, f = config["hidden_size"], config["head_dim"], config["intermediate_size"]
    attention, values = config.get("attn") or {}, int(np.max(config.get("value_dim", d)))
    shapes = {"model.embeddings.weight": (VOCAB, d), "lm_head.weight": (VOCAB, d)}
    norms = ["model.norm", "model.layers.0.pre_norm"]
    ranks = {"w": "decay_low_rank_dim", "a": "a_low_rank_dim", "v": "v_low_rank_dim", "g": "gate_low_rank_dim"}
    for i in range(config["num_hidden_layers"]):
        b = f"model.layers.{i}"
        norms += [b + ".attn_norm", b + ".ffn_norm"]
        shapes.update({f"{b}.ffn.x_k": (d,), f"{b}.ffn.key.weight": (f, d), f"{b}.ffn.value.weight": (d, f)})
        if i in attention.get("layers", []):
            kv = d // attention["num_heads"] * attention.get("num_kv_heads", attention["num_heads"])
            for m, rows in (("q", d), ("k", kv), ("v", kv), ("o", d)):
                shapes[f"{b}.attn.{m}_proj.weight"] = (rows, d)
                if m != "o" and attention.get("qkv_bias"):
                    shapes[f"{b}.attn.{m}_proj.bias"] = (rows,)
            continue
        norms.append(b + ".attn.g_norm")
        shapes.update({f"{b}.attn.x_{m}": (1, 1, d) for m in "rwkvag"})
        shapes.update({f"{b}.attn.{m}_proj.weight": (d, d) for m in "rk"})
        shapes.update({f"{b}.attn.v_proj.weight": (values, d), f"{b}.attn.o_proj.weight": (d, values)})
        shapes.update({f"{b}.attn.k_k": (d,), f"{b}.attn.k_a": (d,), f"{b}.attn.r_k": (d // n, n)})
        for m, key in ranks.items():
            if m == "v" and i == 0:
                continue
            width = values if m in "vg" else d
            shapes.update({f"{b}.attn.{m}_lora.lora.0.weight": (config[key], d),
                           f"{b}.attn.{m}_lora.lora.2.weight": (width, config[key])})
            if m != "g":
                shapes[f"{b}.attn.{m}_lora.lora.2.bias"] = (width,)
    return shapes, norms


def fill(shapes, norms, random):
    tensors = {}
    for name, shape in shapes.items():
        scale = 1.5 / np.sqrt(shape[-1]) if name.endswith(".weight") else 0.6
        if "_w1" in name or "_w2" in name:
            scale = 0.3
        tensors[name] = random.normal(0, scale, shape).astype(np.float32)
        if "time_mix" in name or name.endswith((".k_a",)):
            tensors[name] = random.uniform(0, 1, shape).astype(np.float32)
    for name in norms:
        d = tensors["head.weight" if "head.weight" in tensors else "lm_head.weight"].shape[1]
        if name.endswith("g_norm"):
            d = tensors[name.replace("g_norm", "o_proj.weight")].shape[1]
        tensors[name + ".weight"] = random.normal(1, 0.2, d).astype(np.float32)
        tensors[name + ".bias"] = random.normal(0, 0.2, d).astype(np.float32)
    return tensors


BASE = {"vocab_size": VOCAB, "num_hidden_layers": 3, "tie_word_embeddings": False, "bos_token_id": 0, "eos_token_id": 0}
CASES = {
    "rwkv5": dict(BASE, model_type="rwkv5", hidden_size=32, head_size=8, intermediate_size=48),
    "rwkv5_divisor": dict(BASE, model_type="rwkv5", hidden_size=24, head_size=12, intermediate_size=40, head_size_divisor=2),
    "rwkv6": dict(BASE, model_type="rwkv6", hidden_size=32, head_size=8, intermediate_size=48, time_mix_extra_dim=4,
                  time_decay_extra_dim=6),
    "rwkv6_one_head": dict(BASE, model_type="rwkv6", hidden_size=24, head_size=24, intermediate_size=40, time_mix_extra_dim=3,
                           time_decay_extra_dim=5),
    "rwkv7": dict(BASE, model_type="rwkv7", hidden_size=32, head_dim=8, intermediate_size=48, hidden_act="sqrelu",
                  decay_low_rank_dim=4, a_low_rank_dim=5, v_low_rank_dim=6, gate_low_rank_dim=7),
    "rwkv7_attention": dict(BASE, model_type="rwkv7", hidden_size=32, head_dim=8, intermediate_size=48, num_hidden_layers=4,
                            decay_low_rank_dim=4, a_low_rank_dim=5, v_low_rank_dim=6, gate_low_rank_dim=7,
                            attn={"layers": [1, 3], "num_heads": 4, "num_kv_heads": 2, "qkv_bias": True, "window_size": 9,
                                  "rope_theta": 500.0}),
    "rwkv7_wide_values": dict(BASE, model_type="rwkv7", hidden_size=24, head_dim=8, intermediate_size=40, value_dim=[48] * 3,
                              decay_low_rank_dim=4, a_low_rank_dim=5, v_low_rank_dim=6, gate_low_rank_dim=7,
                              attn={"layers": [2], "num_heads": 3}),
    "rwkv7_wide_heads": dict(BASE, model_type="rwkv7", hidden_size=48, head_dim=24, intermediate_size=64, hidden_act="sqrelu",
                             decay_low_rank_dim=8, a_low_rank_dim=8, v_low_rank_dim=8, gate_low_rank_dim=8),
}


def make(name, config, out):
    random = np.random.default_rng(sum(name.encode()))
    version = int(config["model_type"][4])
    shapes, norms = shapes_7(config) if version == 7 else shapes_5_and_6(config, version)
    tensors = fill(shapes, norms, random)
    network = (Rwkv7 if version == 7 else Rwkv5And6)(config, tensors)
    prompts = []
    for n in PROMPTS:
        ids = [int(i) for i in random.integers(1, VOCAB, n)]
        logits = network.run(ids)
        logprobs = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True)) - logits.max(1, keepdims=True)
        text = list(ids)
        for _ in range(GREEDY):
            text.append(int(network.run(text)[-1].argmax()))
        prompts.append({"ids": ids, "logprobs": [float(logprobs[i, ids[i + 1]]) for i in range(n - 1)],
                        "last_logits": [float(x) for x in logits[-1]], "greedy": text[n:]})
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "expected.json").write_text(json.dumps({"case": name, "prompts": prompts}) + "\n")


if __name__ == "__main__":
    for name, config in CASES.items():
        make(name, config, pathlib.Path(sys.argv[1]))
