#!/usr/bin/env python3
"""Adds what taking a network apart gives, with the reference library's own modules, to cases of tests/golden.

    python scripts/make_attribution_goldens.py [--golden tests/golden] [CASE ...]

needs torch and transformers. Every CASE (default: gpt2 llama gemma2) gets attribution.json, in double precision, for the next
token after the first 16 tokens of the longest prompt of expected.json:
    answer, rival     the likeliest tokens, and answer_logit, rival_logit before the last cap
    embedding         [2]: what the input adds to the two logits, the last norm's divisor being as it is
    heads             [layer][head][2]
    feed              [layer][2]
    without_head      [layer][head]: the answer's probability with the head's result set to zero at every token
    without_layer     [layer]: with nothing added by the layer
    without_token     [n - 1]: the answer's probability for the text without that token
    unmasked          [n - 1]: ln p of the next token of the text, every token seeing all others in every layer;
                      null where layers have a window
"""
import argparse
import json
import pathlib

import torch
import transformers
from transformers import AutoModelForCausalLM

TOKENS = 16


def rounded(x):
    if isinstance(x, (list, tuple)):
        return [rounded(one) for one in x]
    return float(f"{float(x):.8g}")


class Network:
    """The parts of a network under the names that its family has for them."""

    def __init__(self, model):
        self.model = model
        if hasattr(model, "transformer"):  # GPT-2
            self.blocks, self.final = model.transformer.h, model.transformer.ln_f
            self.out = [block.attn.c_proj for block in self.blocks]
            self.mixers, self.feeds = [block.attn for block in self.blocks], [block.mlp for block in self.blocks]
            self.out_weights = [out.weight.T for out in self.out]
        else:
            self.blocks, self.final = model.model.layers, model.model.norm
            self.out = [block.self_attn.o_proj for block in self.blocks]
            self.mixers, self.feeds = [block.self_attn for block in self.blocks], [block.mlp for block in self.blocks]
            self.out_weights = [out.weight for out in self.out]
        sandwich = hasattr(self.blocks[0], "pre_feedforward_layernorm")  # Gemma 2: norms behind both parts
        self.post = [block.post_attention_layernorm if sandwich else None for block in self.blocks]
        self.fed = [block.post_feedforward_layernorm if sandwich else block.mlp for block in self.blocks]
        self.n_heads = model.config.num_attention_heads

    def divided(self, norm, vector, whole):
        """norm(vector) but for its bias, the divisor being the one of `whole`."""
        if isinstance(norm, torch.nn.LayerNorm):
            centred = whole - whole.mean()
            return (vector - vector.mean()) / (centred.pow(2).mean() + norm.eps).sqrt() * norm.weight
        eps = getattr(norm, "variance_epsilon", getattr(norm, "eps", 0))
        weight = 1 + norm.weight if "Gemma" in type(norm).__name__ else norm.weight
        return vector / (whole.pow(2).mean() + eps).sqrt() * weight


def logits_of(model, ids, **more):
    with torch.no_grad():
        return model(torch.tensor([ids]), use_cache=False, **more).logits[0]


def attribution(network, ids):
    seen = {}
    hooks = []
    keep = lambda key: lambda module, inputs, output: seen.__setitem__(key, (output[0] if isinstance(output, tuple) else output)[0, -1])
    for i, _ in enumerate(network.blocks):
        hooks.append(network.out[i].register_forward_pre_hook(lambda module, inputs, i=i: seen.__setitem__(("in", i), inputs[0][0, -1])))
        hooks.append(network.out[i].register_forward_hook(keep(("out", i))))
        hooks.append(network.fed[i].register_forward_hook(keep(("fed", i))))
    hooks.append(network.blocks[0].register_forward_pre_hook(lambda module, inputs: seen.__setitem__("embedding", inputs[0][0, -1])))
    hooks.append(network.final.register_forward_pre_hook(lambda module, inputs: seen.__setitem__("last", inputs[0][0, -1])))
    hooks.append(network.final.register_forward_hook(keep("normed")))
    probabilities = logits_of(network.model, ids)[-1].softmax(-1)
    for hook in hooks:
        hook.remove()
    answer, rival = probabilities.topk(2).indices.tolist()
    unembedding = network.model.get_output_embeddings().weight
    share = lambda vector: [float(network.divided(network.final, vector, seen["last"]) @ unembedding[token]) for token in (answer, rival)]
    heads, width = [], network.out_weights[0].shape[1] // network.n_heads
    for i, weight in enumerate(network.out_weights):
        row = []
        for head in range(network.n_heads):
            at = slice(head * width, (head + 1) * width)
            made = weight[:, at] @ seen[("in", i)][at]
            if network.post[i] is not None:
                made = network.divided(network.post[i], made, seen[("out", i)])
            row.append(share(made))
        heads.append(row)
    return answer, rival, dict(
        answer=answer, rival=rival, answer_logit=float(seen["normed"] @ unembedding[answer]),
        rival_logit=float(seen["normed"] @ unembedding[rival]), embedding=share(seen["embedding"]), heads=heads,
        feed=[share(seen[("fed", i)]) for i in range(len(network.blocks))])


def without(network, ids, answer):
    width = network.out_weights[0].shape[1] // network.n_heads

    def probability(ids=ids):
        return float(logits_of(network.model, ids)[-1].softmax(-1)[answer])

    def zero_head(i, head):
        def hook(module, inputs):
            changed = inputs[0].clone()
            changed[..., head * width:(head + 1) * width] = 0
            return (changed,)
        return network.out[i].register_forward_pre_hook(hook)

    def nothing(module, inputs, output):
        return (torch.zeros_like(output[0]),) + output[1:] if isinstance(output, tuple) else torch.zeros_like(output)

    heads, layers = [], []
    for i, _ in enumerate(network.blocks):
        row = []
        for head in range(network.n_heads):
            hook = zero_head(i, head)
            row.append(probability())
            hook.remove()
        heads.append(row)
        mixed = network.post[i] if network.post[i] is not None else network.mixers[i]
        hooks = [mixed.register_forward_hook(nothing), network.fed[i].register_forward_hook(nothing)]
        layers.append(probability())
        for hook in hooks:
            hook.remove()
    tokens = [probability(ids[:i] + ids[i + 1:]) for i in range(len(ids) - 1)]
    return dict(without_head=heads, without_layer=layers, without_token=tokens)


def unmasked(network, ids):
    if getattr(network.model.config, "sliding_window", None):
        return None  # the reference would take the window away with the mask
    n = len(ids)
    logits = logits_of(network.model, ids, attention_mask=torch.zeros(1, 1, n, n, dtype=torch.float64))
    return [float(logits[i].log_softmax(-1)[ids[i + 1]]) for i in range(n - 1)]


def make(folder):
    prompts = json.loads((folder / "expected.json").read_text())["prompts"]
    ids = max((prompt["ids"] for prompt in prompts), key=len)[:TOKENS]
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval().double()
    network = Network(model)
    with torch.no_grad():
        answer, _, result = attribution(network, ids)
        result |= without(network, ids, answer)
        result["unmasked"] = unmasked(network, ids)
    exact = ("answer", "rival")
    result = {key: value if key in exact or value is None else rounded(value) for key, value in result.items()}
    result = dict(transformers=transformers.__version__, ids=ids, **result)
    (folder / "attribution.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(folder.name, len(ids), "tokens", (folder / "attribution.json").stat().st_size, "bytes", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--golden", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent / "tests" / "golden")
    parser.add_argument("cases", nargs="*", default=["gpt2", "llama", "gemma2"])
    arguments = parser.parse_args()
    for case in arguments.cases:
        make(arguments.golden / case)


if __name__ == "__main__":
    main()
