# SPDX-License-Identifier: Apache-2.0
"""Write a checkpoint as an ordinary Hugging Face folder (bf16 weights, the moving average by default).

    python scripts/train/export.py --run build/train/tales/run --data build/train/tales --out models/tales
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from presets import PRESETS

END = "<|endoftext|>"


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="the folder that train.py wrote")
    parser.add_argument("--data", type=Path, required=True, help="the folder that tokenizer.py wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", choices=("average", "last"), default="average")
    args = parser.parse_args()

    state = torch.load(args.run / "checkpoint.pt", map_location="cpu", weights_only=True)
    preset = PRESETS[state["preset"]]
    shape = preset.shape
    tensors = state["average"] if args.weights == "average" else state["model"]
    args.out.mkdir(parents=True, exist_ok=True)
    save_file({f"model.{name}": t.to(torch.bfloat16).contiguous() for name, t in tensors.items()},
              args.out / "model.safetensors", metadata={"format": "pt"})
    (args.out / "model.safetensors").chmod(0o644)
    write_json(args.out / "config.json", {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocab_size,
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "max_position_embeddings": shape.context,
        "hidden_act": "silu",
        "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rope_theta,
        "rope_scaling": None,
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "tie_word_embeddings": True,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "torch_dtype": "bfloat16",
        "use_cache": True,
    })
    write_json(args.out / "generation_config.json", {
        "bos_token_id": 0,
        "eos_token_id": 0,
        "do_sample": True,
        "temperature": preset.temperature,
        "top_p": preset.top_p,
    })
    write_json(args.out / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END,
        "eos_token": END,
        "unk_token": None,
        "add_bos_token": True,
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": shape.context,
        "added_tokens_decoder": {
            "0": {"content": END, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
                  "special": True},
        },
    })
    shutil.copyfile(args.data / "tokenizer.json", args.out / "tokenizer.json")
    for name in ("ATTRIBUTION.md", "HELD_OUT.md"):
        if (args.data / name).exists():
            shutil.copyfile(args.data / name, args.out / name)
    size = (args.out / "model.safetensors").stat().st_size
    print(f"{args.out}: step {state['step']}, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
