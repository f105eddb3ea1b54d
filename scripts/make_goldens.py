#!/usr/bin/env python3
"""Writes the small random checkpoints of tests/golden with reference outputs from Hugging Face transformers.

    python scripts/make_goldens.py [--out tests/golden] [--only NAME ...]

needs torch and transformers. Every case becomes OUT/NAME with config.json, the weights, and expected.json:
    prompts        list of {ids, logprobs, last_logits, greedy}
      ids          prompt token ids
      logprobs     log p(ids[i+1] | ids[:i+1]) for i = 0 .. len-2; float32, eager attention
      last_logits  raw logits after the last id
      greedy       ids of the greedy continuation, end tokens ignored, one token at a time with a cache
"""
import argparse
import json
import pathlib
import shutil

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

VOCAB = 96
PROMPT_LENGTHS = (1, 9, 45)
GREEDY = 20


def llama(**kw):
    return dict(dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, pad_token_id=0, hidden_size=32,
                     intermediate_size=56, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                     max_position_embeddings=256), **kw)


def gpt2(**kw):
    return dict(dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, n_embd=32, n_layer=2, n_head=4,
                     n_positions=128), **kw)


def rope(kind, theta=10000.0, **kw):
    return dict(rope_type=kind, rope_theta=theta, **kw)


def neo(**kw):
    return dict(dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, hidden_size=32, num_layers=2, num_heads=4,
                     attention_types=[[["global", "local"], 1]], window_size=8, max_position_embeddings=128), **kw)


def neox(**kw):
    return dict(dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, hidden_size=32, intermediate_size=56,
                     num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=256), **kw)


def falcon(**kw):
    return dict(dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, hidden_size=32, num_hidden_layers=2,
                     num_attention_heads=4, ffn_hidden_size=48, max_position_embeddings=256), **kw)


def bloom(**kw):
    return dict(dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, hidden_size=32, n_layer=2, n_head=4), **kw)


def mpt(attention=None, **kw):
    return dict(dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, d_model=32, n_layers=2, n_heads=4,
                     max_seq_len=128, attn_config=dict(attention or {})), **kw)


def opt(**kw):
    return dict(dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, pad_token_id=0, hidden_size=32, ffn_dim=56,
                     num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128), **kw)


def experts(**kw):
    return llama(**dict(dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24), **kw))


def longrope(original, **kw):
    pairs = 4  # that turn of each head
    return dict(dict(rope_type="longrope", rope_theta=10000.0, original_max_position_embeddings=original, short_factor=[1.0 + 0.1 * i for i in range(pairs)],
                     long_factor=[1.5 + 0.75 * i for i in range(pairs)]), **kw)


GRANITE = dict(embedding_multiplier=6.0, residual_multiplier=1.4 / 2 ** 0.5, attention_multiplier=8 ** -0.5,
               logits_scaling=4.0)
BF16 = {"dtype": torch.bfloat16}
F16 = {"dtype": torch.float16}

# name: (model_type, configuration, options). Options:
#   old        config.json as published checkpoints of 2024 carry it
#   drop, set  fields of config.json taken away and added, as published files have them
#   as         the same, but unknown to the reference: its outputs are those of the model before
#   stacked    tensors as the reference keeps them: all experts of a layer in one
#   dtype, shard, attention (the reference's implementation), lengths (of the prompts)
CASES = {
    "llama_biases": ("llama", llama(attention_bias=True, mlp_bias=True, hidden_act="gelu", rms_norm_eps=1e-3), {}),
    "llama_head_dim": ("llama", llama(head_dim=24, num_key_value_heads=1, tie_word_embeddings=True), {"old": True}),
    "llama_multi_head": ("llama", llama(num_key_value_heads=4, hidden_size=40, hidden_act="gelu_pytorch_tanh"), {}),
    "llama_linear": ("llama", llama(rope_parameters=rope("linear", factor=4.0)), {"old": True}),
    "llama_linear_new": ("llama", llama(rope_parameters=rope("linear", 50000.0, factor=2.0)), {}),
    "llama_llama3_new": ("llama", llama(rope_parameters=rope(
        "llama3", 500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=64)), {}),
    "llama_yarn": ("llama", llama(rope_parameters=rope(
        "yarn", factor=4.0, original_max_position_embeddings=64)), {"old": True}),
    "llama_yarn_mscale": ("llama", llama(rope_parameters=rope(
        "yarn", 5000.0, factor=8.0, original_max_position_embeddings=32, beta_fast=16.0, beta_slow=2.0,
        mscale=0.8, mscale_all_dim=0.5, truncate=False)), {}),
    "llama_yarn_attention_factor": ("llama", llama(rope_parameters=rope(
        "yarn", factor=4.0, original_max_position_embeddings=64, attention_factor=0.9)), {}),
    "llama_dynamic": ("llama", llama(rope_parameters=rope("dynamic", factor=4.0)), {"old": True}),
    "llama_dynamic_long": ("llama", llama(rope_parameters=rope("dynamic", factor=4.0), max_position_embeddings=32), {}),
    "llama_f16": ("llama", llama(), {"dtype": torch.float16}),
    "llama_bf16": ("llama", llama(tie_word_embeddings=True), {"dtype": torch.bfloat16}),
    "llama_sharded": ("llama", llama(), {"shard": "20KB"}),
    "gpt2_f16": ("gpt2", gpt2(), {"dtype": torch.float16}),
    "gpt2_options": ("gpt2", gpt2(n_inner=40, activation_function="relu", scale_attn_by_inverse_layer_idx=True,
                                  tie_word_embeddings=False), {"old": True}),
    "gpt2_gelu": ("gpt2", gpt2(activation_function="gelu", layer_norm_epsilon=1e-3, scale_attn_weights=False), {}),
    "gpt_neo": ("gpt_neo", neo(), {"drop": ["attention_layers"], **BF16}),
    "gpt_neo_types": ("gpt_neo", neo(num_layers=3, attention_types=[[["local"], 2], [["global"], 1]],
                                     intermediate_size=40, activation_function="relu"), {}),
    "gpt_neox_pythia": ("gpt_neox", neox(intermediate_size=128), {"old": True, **F16}),
    "gpt_neox_sequential": ("gpt_neox", neox(use_parallel_residual=False, attention_bias=False,
                                              rope_parameters=rope("default", partial_rotary_factor=1.0)), {}),
    "gpt_neox_tied": ("gpt_neox", neox(tie_word_embeddings=True, hidden_act="gelu_new", rope_parameters=rope(
        "linear", factor=2.0, partial_rotary_factor=0.5)), {}),
    "gptj": ("gptj", gpt2(rotary_dim=4), BF16),
    "gptj_whole_heads": ("gptj", gpt2(rotary_dim=8, n_inner=40, activation_function="gelu"), {}),
    "opt": ("opt", opt(), F16),
    "opt_350m": ("opt", opt(do_layer_norm_before=False, word_embed_proj_dim=16), {}),
    "opt_options": ("opt", opt(enable_bias=False, layer_norm_elementwise_affine=False, activation_function="gelu",
                               _remove_final_layer_norm=True, tie_word_embeddings=False), {}),
    "bloom": ("bloom", bloom(), {"set": {"seq_length": 128, "n_inner": None}, **F16}),
    "bloom_six_heads": ("bloom", bloom(hidden_size=48, n_head=6), BF16),
    "falcon_7b": ("falcon", falcon(), {"old": True, "drop": ["max_position_embeddings", "num_kv_heads"], **BF16}),
    "falcon_40b": ("falcon", falcon(new_decoder_architecture=True, num_kv_heads=2, tie_word_embeddings=False), {}),
    "falcon_11b": ("falcon", falcon(new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1), {}),
    # The reference's eager attention adds ALiBi twice.
    "falcon_rw": ("falcon", falcon(alibi=True, bias=True, multi_query=False, parallel_attn=False),
                  {"attention": "sdpa"}),
    "falcon_alibi_parallel": ("falcon", falcon(alibi=True, hidden_size=48, num_attention_heads=6, activation="gelu_new"),
                              {"attention": "sdpa"}),
    "mpt": ("mpt", mpt(), F16),
    "mpt_options": ("mpt", mpt(dict(clip_qkv=0.5, softmax_scale=0.25), d_model=48, n_heads=6,
                               tie_word_embeddings=False), {}),
    "mistral": ("mistral", llama(sliding_window=8, head_dim=12), {"old": True, "lengths": (1, 9, 200), **BF16}),
    "mistral_no_window": ("mistral", llama(sliding_window=None), {"old": True}),
    "mixtral": ("mixtral", llama(num_local_experts=4, num_experts_per_tok=2, sliding_window=8), {"old": True, **BF16}),
    "qwen2_windows": ("qwen2", llama(use_sliding_window=True, sliding_window=8, max_window_layers=1,
                                     num_hidden_layers=3), {"drop": ["layer_types"]}),
    "qwen2_moe": ("qwen2_moe", experts(shared_expert_intermediate_size=40), {"old": True, **BF16}),
    "qwen2_moe_mixed": ("qwen2_moe", experts(
        shared_expert_intermediate_size=20, num_hidden_layers=4, mlp_only_layers=[3], decoder_sparse_step=2,
        norm_topk_prob=True, num_experts_per_tok=3, use_sliding_window=True, sliding_window=8, max_window_layers=2),
        {"drop": ["layer_types"], **BF16}),
    "qwen3": ("qwen3", llama(head_dim=12, attention_bias=True, tie_word_embeddings=True), {"old": True, **F16}),
    "qwen3_windows": ("qwen3", llama(head_dim=8, use_sliding_window=True, sliding_window=8, max_window_layers=1), {}),
    "qwen3_moe": ("qwen3_moe", experts(num_hidden_layers=3, mlp_only_layers=[1], norm_topk_prob=True),
                  {"old": True, **BF16}),
    "qwen3_moe_window": ("qwen3_moe", experts(use_sliding_window=True, sliding_window=8, num_experts_per_tok=1), BF16),
    "gemma": ("gemma", llama(head_dim=16, num_key_value_heads=1), {"drop": ["tie_word_embeddings"], "old": True, **BF16}),
    "gemma2": ("gemma2", llama(head_dim=12, sliding_window=8, query_pre_attn_scalar=20, num_hidden_layers=3),
               {"drop": ["layer_types", "tie_word_embeddings"], "old": True, **BF16}),
    "gemma2_caps": ("gemma2", llama(head_dim=8, sliding_window=8, query_pre_attn_scalar=2, attn_logit_softcapping=2.0,
                                    final_logit_softcapping=3.0), {}),
    "gemma2_no_caps": ("gemma2", llama(head_dim=8, sliding_window=16, attn_logit_softcapping=None,
                                       final_logit_softcapping=None, hidden_activation="silu"), {}),
    "gemma3": ("gemma3_text", llama(head_dim=8, sliding_window=8, num_hidden_layers=3, sliding_window_pattern=2,
                                    rope_parameters=dict(full_attention=rope("linear", 1e6, factor=8.0),
                                                         sliding_attention=rope("default")), num_key_value_heads=1),
               {"old": True, "drop": ["layer_types", "tie_word_embeddings", "_sliding_window_pattern"],
                "set": {"sliding_window_pattern": 2}, **BF16}),
    "gemma3_new": ("gemma3_text", llama(head_dim=8, sliding_window=16, layer_types=["full_attention",
                                                                                     "sliding_attention"]), F16),
    "phi": ("phi", llama(), {"old": True, **F16}),
    "phi_options": ("phi", llama(qk_layernorm=True, partial_rotary_factor=0.25, hidden_act="relu"), {}),
    "phi3_4k": ("phi3", llama(sliding_window=8), {"old": True, **BF16}),
    "phi3_128k": ("phi3", llama(rope_parameters=longrope(64), original_max_position_embeddings=64), {"old": True}),
    "phi3_long": ("phi3", llama(rope_parameters=longrope(32, attention_factor=1.3), original_max_position_embeddings=32,
                                tie_word_embeddings=True), {"lengths": (20, 33, 100)}),
    "phi3_partial": ("phi3", llama(hidden_size=64, rope_parameters=longrope(32, partial_rotary_factor=0.5),
                                   original_max_position_embeddings=32), {"lengths": (9, 70), **BF16}),
    "olmo": ("olmo", llama(clip_qkv=0.75), {"old": True, **BF16}),
    "olmo2": ("olmo2", llama(num_key_value_heads=4), {"old": True, **BF16}),
    "stablelm": ("stablelm", llama(use_qkv_bias=True), {"old": True, **F16}),
    "stablelm_parallel": ("stablelm", llama(use_parallel_residual=True, qk_layernorm=True, partial_rotary_factor=0.5,
                                            tie_word_embeddings=True), {}),
    "starcoder2": ("starcoder2", llama(sliding_window=8), {
        "old": True, "set": {"mlp_type": "default", "norm_type": "layer_norm", "activation_function":
                             "gelu_pytorch_tanh"}, **BF16}),
    "starcoder2_no_bias": ("starcoder2", llama(use_bias=False, tie_word_embeddings=False, hidden_act="quick_gelu"), {}),
    "smollm3": ("smollm3", llama(num_hidden_layers=4, no_rope_layer_interval=2, use_sliding_window=True,
                                 sliding_window=8), {"drop": ["layer_types"], "old": True, **BF16}),
    "smollm3_listed": ("smollm3", llama(no_rope_layers=[0, 1], attention_bias=True, mlp_bias=True), {}),
    "granite": ("granite", llama(attention_bias=True, mlp_bias=True, tie_word_embeddings=True, **GRANITE),
                {"old": True, **F16}),
    "cohere": ("cohere", llama(logit_scale=0.25), {"old": True, **BF16}),
    "cohere_qk_norm": ("cohere", llama(use_qk_norm=True, attention_bias=True, num_key_value_heads=4, logit_scale=0.5), {}),
    "exaone4_hybrid": ("exaone4", llama(sliding_window=8, sliding_window_pattern=2, num_hidden_layers=3),
                       {"drop": ["layer_types"], **BF16}),
    "exaone4_full": ("exaone4", llama(sliding_window=None, layer_types=["full_attention"] * 2, rope_parameters=rope(
        "llama3", 1e6, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)),
        {"old": True, "set": {"sliding_window_pattern": None}}),
    "minicpm": ("granite", llama(tie_word_embeddings=True, **GRANITE), {"as": dict(
        model_type="minicpm", scale_emb=6, scale_depth=1.4, dim_model_base=8), "old": True,
        "drop": list(GRANITE), **BF16}),
    "nanochat": ("nanochat", llama(num_key_value_heads=2), BF16),
    "mixtral_stacked": ("mixtral", llama(num_local_experts=4, num_experts_per_tok=2, hidden_act="gelu"),
                        {"stacked": True, **BF16}),
    "hrm_text_small": ("hrm_text", llama(num_key_value_heads=4, head_dim=8, H_cycles=2, L_cycles=2), {}),
    "dory_small": ("dory", llama(head_dim=8, num_hidden_layers=4, n_input_layers=1, n_output_layers=1, n_recurrent_loops=3,
                                 sliding_window=8, initializer_range=0.1, ngpt_alpha_init=0.3,
                                 layer_types=["sliding_attention", "full_attention"] * 2), {}),
}


def randomize(model, generator):
    """Random values everywhere, norms and biases included, so that a tensor that is skipped shows."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.ndim == 1:
                p.copy_(1 + 0.2 * noise if name.endswith("weight") else 0.1 * noise)
            else:
                p.copy_(noise * (2.0 / sum(p.shape[-2:]) ** 0.5))


def old_style(config):
    """A configuration of transformers 5 as published checkpoints carry it: rope_theta, rope_scaling, torch_dtype."""
    parameters = config.pop("rope_parameters", None)
    config["torch_dtype"] = config.pop("dtype")
    if not parameters:
        return
    if "sliding_attention" in parameters:
        config["rope_local_base_freq"] = parameters["sliding_attention"]["rope_theta"]
        parameters = parameters["full_attention"]
        config["rope_theta"] = parameters.pop("rope_theta")
        config["rope_scaling"] = parameters  # the reference reads "rope_type" here, not "type"
        return
    if config["model_type"] == "gpt_neox":
        config["rotary_emb_base"] = parameters.pop("rope_theta")
        config["rotary_pct"] = parameters.pop("partial_rotary_factor")
    else:
        config["rope_theta"] = parameters.pop("rope_theta")
        if "partial_rotary_factor" in parameters:
            config["partial_rotary_factor"] = parameters.pop("partial_rotary_factor")
    parameters.pop("original_max_position_embeddings", None) if "original_max_position_embeddings" in config else None
    if parameters.get("rope_type", "default") != "default":
        parameters["type"] = parameters.pop("rope_type")
        config["rope_scaling"] = parameters


def restyle(path, options):
    config = json.loads(path.read_text())
    if options.get("old"):
        old_style(config)
    for field in options.get("drop", []):
        config.pop(field, None)
    config.update(options.get("set", {}))
    config.update(options.get("as", {}))
    path.write_text(json.dumps(config, indent=2) + "\n")


def expected(model, ids):
    with torch.no_grad():
        logits = model(ids, use_cache=False).logits[0].float()
        logprobs = torch.log_softmax(logits.double(), -1)
        out = model(ids, use_cache=True)
        greedy, gaps = [], []
        for _ in range(GREEDY):
            last = out.logits[0, -1].float()
            best = torch.topk(last, 2).values
            gaps.append(float(best[0] - best[1]))
            greedy.append(int(last.argmax()))
            cache = "cache" if "cache" in out else "past_key_values"  # newer networks know the newer name alone
            out = model(last.argmax().view(1, 1), use_cache=True, **{cache: out[cache]})
    n = ids.shape[1]
    return dict(ids=ids[0].tolist(), logprobs=[float(logprobs[i, ids[0, i + 1]]) for i in range(n - 1)],
                last_logits=[float(x) for x in logits[-1]], greedy=greedy), min(gaps)


def make(folder, model_type, keywords, options, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    config = AutoConfig.for_model(model_type, **keywords)
    plain = dict(attn_implementation=options.get("attention", "eager"), experts_implementation="eager")
    model = AutoModelForCausalLM.from_config(config, **plain).eval().float()
    randomize(model, generator)
    shutil.rmtree(folder, ignore_errors=True)
    sharding = {"max_shard_size": options["shard"]} if "shard" in options else {}
    published = not options.get("stacked", False)
    model.to(options.get("dtype", torch.float32)).save_pretrained(folder, save_original_format=published, **sharding)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if "as" not in options:
        restyle(folder / "config.json", options)
    prompts, gap = [], 1e9
    for n in options.get("lengths", PROMPT_LENGTHS):
        # Loaded anew for each prompt: a dynamic rope remembers the longest text it has seen.
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **plain).eval()
        prompt, least = expected(model, torch.randint(3, VOCAB, (1, n), generator=generator))
        prompts.append(prompt)
        gap = min(gap, least)
    if "as" in options:
        restyle(folder / "config.json", options)
    result = dict(transformers=transformers.__version__, case=folder.name, prompts=prompts)
    (folder / "expected.json").write_text(json.dumps(result) + "\n")
    return gap


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent / "tests" / "golden")
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    for i, (name, (model_type, keywords, options)) in enumerate(CASES.items()):
        if arguments.only and name not in arguments.only:
            continue
        seed = 3000 + i
        while make(arguments.out / name, model_type, keywords, options, seed) < 3e-3:
            seed += 500  # a near-tie would make the greedy ids depend on rounding
        print(name, "seed", seed, flush=True)


if __name__ == "__main__":
    main()
