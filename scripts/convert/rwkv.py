#!/usr/bin/env python3
"""Writes an RWKV checkpoint as a folder that continuo runs: config.json and model.safetensors, in float32.

    scripts/convert/rwkv.py MODEL.pth OUT_FOLDER [--vocabulary rwkv_vocab_v20230424.txt]

Reads BlinkDL's .pth files of RWKV-4, 5.2, 6 and 7 (weights alone: torch.load with weights_only, so no code of the file is
ever run), the same tensors as .safetensors, and the FP32 and FP16 files of rwkv.cpp. Needs numpy and safetensors, and torch
for .pth files.
"""
import argparse
import json
import pathlib
import re
import shutil
import struct

import numpy as np
from safetensors.numpy import load_file, save_file

RWKV_CPP_MAGIC = 0x67676D66
SHIFTED_7 = ["r", "w", "k", "v", "a", "g"]  # the order of rwkv.cpp's att.x_rwkvag


def read_rwkv_cpp(path):
    data = path.read_bytes()
    at = 24
    tensors = {}
    while at < len(data):
        n_dims, key_length, kind = struct.unpack_from("=iii", data, at)
        if kind not in (0, 1):
            raise SystemExit(f"{path}: byte {at}: quantized tensors cannot be converted, expected FP32 or FP16")
        at += 12
        shape = struct.unpack_from(f"={n_dims}i", data, at)[::-1]
        at += 4 * n_dims
        name = data[at:at + key_length].decode()
        at += key_length
        dtype = np.float16 if kind else np.float32
        count = int(np.prod(shape))
        tensors[name] = np.frombuffer(data, dtype, count, at).reshape(shape).astype(np.float32)
        at += count * dtype().itemsize
    return as_in_pth(tensors)


def as_in_pth(tensors):
    """Undoes what rwkv.cpp's converter does to shapes and values."""
    version = version_of(tensors)
    out = {}
    for name, value in tensors.items():
        if version == 7 and name.endswith("att.x_rwkvag"):
            for part, row in zip(SHIFTED_7, value.reshape(6, -1)):
                out[name.replace("x_rwkvag", f"x_{part}")] = row
            continue
        if version == 7 and re.search(r"att\.[wavg][12]$", name):
            value = value.T
        elif version == 6 and re.search(r"time_maa_w1$|time_decay_w[12]$", name):
            value = value.T
        elif version == 6 and name.endswith("time_maa_w2"):
            value = value.transpose(0, 2, 1)
        elif version == 5 and name.endswith("time_decay"):
            value = np.log(-np.log(value))
        elif version == 4 and name.endswith("time_decay"):
            value = np.log(-value)
        out[name] = value
    return out


def read_pth(path):
    import torch
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {name: value.float().numpy() for name, value in state.items()}


def is_rwkv_cpp(path):
    with open(path, "rb") as file:
        head = file.read(4)
    return len(head) == 4 and struct.unpack("=I", head)[0] == RWKV_CPP_MAGIC


def read(path):
    if path.suffix == ".safetensors":
        return {name: value.astype(np.float32) for name, value in load_file(path).items()}
    return read_rwkv_cpp(path) if is_rwkv_cpp(path) else read_pth(path)


def version_of(tensors):
    if "blocks.0.att.k_k" in tensors:
        return 7
    if "blocks.0.att.time_maa_x" in tensors:
        return 6
    if "blocks.0.att.gate.weight" in tensors:
        return 5
    if "blocks.0.att.ln_x.weight" in tensors:
        raise SystemExit("RWKV-5.0 and 5.1 are not supported; RWKV-5.2 is")
    return 4


NAMES_4_TO_6 = [
    (r"^emb\.", "rwkv.embeddings."), (r"^ln_out\.", "rwkv.ln_out."), (r"^blocks\.", "rwkv.blocks."),
    (r"\.ln0\.", ".pre_ln."), (r"\.att\.", ".attention."), (r"\.ffn\.", ".feed_forward."),
    (r"time_mix_k$", "time_mix_key"), (r"time_mix_v$", "time_mix_value"), (r"time_mix_r$", "time_mix_receptance"),
    (r"time_mix_g$", "time_mix_gate"),
]
NAMES_7 = [
    (r"^emb\.", "model.embeddings."), (r"^ln_out\.", "model.norm."), (r"^blocks\.", "model.layers."), (r"^head\.", "lm_head."),
    (r"\.ln0\.", ".pre_norm."), (r"\.ln1\.", ".attn_norm."), (r"\.ln2\.", ".ffn_norm."), (r"\.att\.", ".attn."),
    (r"attn\.ln_x\.", "attn.g_norm."), (r"attn\.receptance\.", "attn.r_proj."), (r"attn\.key\.", "attn.k_proj."),
    (r"attn\.value\.", "attn.v_proj."), (r"attn\.output\.", "attn.o_proj."),
    (r"attn\.([wavg])1$", r"attn.\1_lora.lora.0.weight"), (r"attn\.([wavg])2$", r"attn.\1_lora.lora.2.weight"),
    (r"attn\.([wav])0$", r"attn.\1_lora.lora.2.bias"),
]


def renamed(tensors, version):
    out = {}
    for name, value in tensors.items():
        if version == 7 and re.match(r"blocks\.0\.att\.v[012]$", name):
            continue  # the first layer's values are mixed with nothing
        if version == 7 and re.search(r"att\.[wavg][12]$", name):
            value = value.T  # linear maps: outputs first
        if re.search(r"att\.(x_.|[wav]0|k_k|k_a)$|ffn\.x_k$", name):
            value = value.reshape(-1)
        for pattern, text in NAMES_7 if version == 7 else NAMES_4_TO_6:
            name = re.sub(pattern, text, name)
        out[name] = np.ascontiguousarray(value)
    return out


def config_of(tensors, version, from_rwkv_cpp):
    vocab_size, d_model = tensors["emb.weight"].shape
    layers = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("blocks."))
    d_ff = tensors["blocks.0.ffn.key.weight"].shape[0]
    config = {"model_type": {4: "rwkv", 5: "rwkv5", 6: "rwkv6", 7: "rwkv7"}[version], "vocab_size": vocab_size,
              "hidden_size": d_model, "num_hidden_layers": layers, "intermediate_size": d_ff, "tie_word_embeddings": False,
              "bos_token_id": 0, "eos_token_id": 0}
    first = tensors.get("blocks.0.att.time_faaaa", tensors.get("blocks.0.att.r_k"))
    if version == 4:
        config.update(attention_hidden_size=tensors["blocks.0.att.key.weight"].shape[0], rescale_every=0)
    else:
        config.update({"head_dim" if version == 7 else "head_size": int(first.size // first.reshape(first.shape[0], -1).shape[0])})
    if version == 5 and from_rwkv_cpp:
        config.update(head_size_divisor=1)  # rwkv.cpp does not divide before the norm
    if version == 6:
        config.update(time_mix_extra_dim=tensors["blocks.0.att.time_maa_w2"].shape[1],
                      time_decay_extra_dim=tensors["blocks.0.att.time_decay_w1"].shape[1])
    if version == 7:
        ranks = {"decay_low_rank_dim": "w1", "a_low_rank_dim": "a1", "v_low_rank_dim": "v1", "gate_low_rank_dim": "g1"}
        for key, name in ranks.items():
            found = [tensors[f"blocks.{i}.att.{name}"] for i in range(layers) if f"blocks.{i}.att.{name}" in tensors]
            config[key] = int(found[-1].shape[1]) if found else 32
        config.update(hidden_act="sqrelu")
    return config


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--vocabulary", type=pathlib.Path, help="the RWKV World vocabulary, copied into the folder")
    options = parser.parse_args()
    tensors = read(options.model)
    version = version_of(tensors)
    config = config_of(tensors, version, is_rwkv_cpp(options.model))
    options.out.mkdir(parents=True, exist_ok=True)
    save_file(renamed(tensors, version), options.out / "model.safetensors")
    (options.out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    if options.vocabulary:
        shutil.copy(options.vocabulary, options.out / options.vocabulary.name)
    print(f"RWKV-{version}: {config['num_hidden_layers']} layers of {config['hidden_size']}, written to {options.out}")


if __name__ == "__main__":
    main()
