#!/usr/bin/env python3
"""Writes tests/golden/adapters: small adapters as PEFT saves them, of the models in tests/golden, and PEFT's logits.

Needs transformers, peft, torch. A folder's expected.json names its model, and has for one text the logits behind its last
token and the log-probability of each of its tokens, with the adapter as it is ("alone") and, where a second one stands
beside it, with both ("with NAME").
  scripts/make_adapter_goldens.py [CASE...]
"""
import json
import pathlib
import shutil
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
OUT = GOLDEN / "adapters"

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
DENSE = ["gate_proj", "up_proj", "down_proj"]
CASES = {
    "llama": ("llama", {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION + DENSE}),
    "llama_rslora": ("llama", {"r": 3, "lora_alpha": 5, "use_rslora": True, "target_modules": ["q_proj", "down_proj"]}),
    "llama_patterns": ("llama", {"r": 2, "lora_alpha": 4, "target_modules": ATTENTION + ["up_proj"],
                                 "rank_pattern": {"k_proj": 5, "layers.1.self_attn.o_proj": 1},
                                 "alpha_pattern": {r"^model\.layers\.(0|2)\.self_attn.q_proj": 16, "up_proj": 1}}),
    "gpt2": ("gpt2", {"r": 4, "lora_alpha": 4, "fan_in_fan_out": True, "target_modules": ["c_attn", "c_proj", "c_fc"]}),
    "gpt_neox": ("gpt_neox_pythia", {"r": 4, "lora_alpha": 8, "target_modules": [
        "query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"]}),
    "phi3": ("phi3_4k", {"r": 4, "lora_alpha": 8, "target_modules": ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]}),
    "gemma3": ("gemma3", {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION + DENSE}),
    "qwen2_moe": ("qwen2_moe", {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION}),
    "falcon_h1": ("falcon_h1", {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION + ["in_proj"]}),
    "mamba": ("mamba", {"r": 4, "lora_alpha": 8, "target_modules": ["in_proj", "x_proj"]}),
}
BESIDE = {"llama": "llama_rslora"}  # the second adapter


def with_random_weights(model: torch.nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        if "lora_" in name:
            scale = 0.5 if "lora_A" in name else 0.3
            parameter.data = torch.randn(parameter.shape, generator=generator) * scale / parameter.shape[1] ** 0.5


def scored(model: torch.nn.Module, ids: list[int]) -> dict:
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].double()
    logprobs = torch.log_softmax(logits, -1)
    return {"logprobs": [logprobs[i, ids[i + 1]].item() for i in range(len(ids) - 1)], "last_logits": logits[-1].tolist()}


def load(name: str) -> torch.nn.Module:
    return AutoModelForCausalLM.from_pretrained(GOLDEN / name, dtype=torch.float32, attn_implementation="eager").eval()


def make(case: str, seed: int) -> None:
    base, settings = CASES[case]
    plain = load(base)
    vocab = plain.config.vocab_size
    ids = torch.randint(3, vocab, (12,), generator=torch.Generator().manual_seed(seed)).tolist()
    without = scored(plain, ids)
    model = get_peft_model(plain, LoraConfig(task_type="CAUSAL_LM", **settings)).eval()
    with_random_weights(model, seed)
    folder = OUT / case
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    expected = {"model": base, "ids": ids, "alone": scored(model, ids)}
    if case in BESIDE:
        both = PeftModel.from_pretrained(load(base), folder, adapter_name="first")
        both.load_adapter(OUT / BESIDE[case], adapter_name="second")
        both.base_model.set_adapter(["first", "second"])
        expected["with " + BESIDE[case]] = scored(both.eval(), ids)
    change = max(abs(a - b) for a, b in zip(without["last_logits"], expected["alone"]["last_logits"]))
    assert change > 0.02, (case, change)  # an adapter that is left out is seen
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{case}: logits change by up to {change:.3f}, {size} bytes")


def main() -> None:
    wanted = sys.argv[1:] or sorted(CASES, key=lambda case: case in BESIDE)
    for case in wanted:
        make(case, seed=1 + sorted(CASES).index(case))


if __name__ == "__main__":
    main()
