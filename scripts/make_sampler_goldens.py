#!/usr/bin/env python3
"""Writes tests/data/samplers.json: what each sampler stage keeps of random distributions.

The formulas are written out here from their definitions: transformers' logits processors (temperature, top-h, top-k, epsilon,
eta, no repeated n-gram, exponential decay length penalty) and llama.cpp's samplers (DRY, XTC, top-n-sigma, dynamic
temperature, Mirostat, adaptive-p, penalties over the last N tokens). Needs numpy.

    scripts/make_sampler_goldens.py [--count N] [--out FILE]

N distributions a stage. With many of them: write another file, and name it to test_unit_sampling in CONTINUO_SAMPLER_GOLDENS.
"""
import argparse
import json
import math
from pathlib import Path

import numpy as np

VOCAB = 24
END = 3


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


def drop(x, gone):
    return np.where(gone, -np.inf, x)


def entropy(p):
    q = p[p > 0]
    return float(-(q * np.log(q)).sum())


# ---- each stage: scores, options, text -> scores; -inf is gone ----


def repetition(x, o, text, prompt):
    last = o.get("repeat_last_n", -1)
    start = 0 if last < 0 else max(0, len(text) - last)
    x = x.copy()
    for token in set(text[start:]):
        r = o.get("repeat_penalty", 1.0)
        x[token] = x[token] * r if x[token] < 0 else x[token] / r
    generated = text[max(start, prompt):]
    for token in set(generated):
        x[token] -= o.get("presence_penalty", 0.0) + o.get("frequency_penalty", 0.0) * generated.count(token)
    return x


def dry(x, o, text, prompt):
    last, allowed = o.get("dry_penalty_last_n", -1), o.get("dry_allowed_length", 2)
    text = text if last < 0 else text[len(text) - min(last, len(text)):]
    breakers = [tuple(b) for b in o.get("breakers", [])]
    n = len(text)
    if n <= allowed:
        return x
    limit = n
    for behind in range(n):
        found = [len(b) - 1 for b in breakers
                 if b[0] == text[n - 1 - behind] and len(b) - 1 <= behind
                 and list(b[1:]) == text[n - behind:n - behind + len(b) - 1]]
        if found:
            limit = behind - max(found)
            break
    if limit < allowed:
        return x
    longest = {}
    for end in range(n - 1):  # the repetition ends here, and its next token is text[end + 1]
        length = 0
        while length <= end and text[end - length] == text[n - 1 - length]:
            length += 1
        length = min(length, limit)
        if length >= allowed:
            token = text[end + 1]
            longest[token] = max(longest.get(token, 0), length)
    x = x.copy()
    for token, length in longest.items():
        if (token,) not in breakers:
            x[token] -= o["dry_multiplier"] * o.get("dry_base", 1.75) ** (length - allowed)
    return x


def no_repeat_ngram(x, o, text, prompt):
    n = o["no_repeat_ngram"]
    grams = [tuple(text[i:i + n]) for i in range(len(text) - n + 1)]
    last = tuple(text[len(text) + 1 - n:]) if len(text) >= n - 1 else None
    gone = {g[-1] for g in grams if g[:-1] == last}
    return drop(x, np.array([i in gone for i in range(VOCAB)]))


def length_penalty(x, o, text, prompt):
    start, factor = o["exponential_decay_length_penalty"]
    over = len(text) - prompt - start
    x = x.copy()
    if over > 0:
        x[END] += abs(x[END]) * (factor ** over - 1)
    return x


def min_tokens(x, o, text, prompt):
    return drop(x, np.arange(VOCAB) == END) if len(text) - prompt < o["min_tokens"] else x


def top_n_sigma(x, o, text, prompt):
    return drop(x, x < x.max() - o["top_n_sigma"] * x.std())


def dynamic_temperature(x, o, text, prompt):
    least, most = max(0, o["temperature"] - o["dynatemp_range"]), o["temperature"] + o["dynatemp_range"]
    share = entropy(softmax(x)) / math.log(np.isfinite(x).sum())
    return x / (least + (most - least) * share ** o.get("dynatemp_exponent", 1.0))


def top_h(x, o, text, prompt):
    order = np.argsort(-x, kind="stable")[:100]
    p = softmax(x[order])
    terms = np.where(p > 0, -p * np.log(np.where(p > 0, p, 1)), 0)
    kept = np.cumsum(terms) <= terms.sum() * o["top_h"]
    kept[0] = True
    keep = set(order[kept].tolist())
    return drop(x, np.array([i not in keep for i in range(VOCAB)]))


def top_k(x, o, text, prompt):
    keep = set(np.argsort(-x, kind="stable")[:o["top_k"]].tolist())
    return drop(x, np.array([i not in keep for i in range(VOCAB)]))


def epsilon(x, o, text, prompt):
    return drop(x, (softmax(x) < o["epsilon_cutoff"]) & (x < x.max()))


def eta(x, o, text, prompt):
    p, e = softmax(x), o["eta_cutoff"]
    return drop(x, (p < min(e, math.sqrt(e) * math.exp(-entropy(p)))) & (x < x.max()))


def xtc(x, o, text, prompt):
    p = softmax(x)
    choices = [i for i in np.argsort(-x, kind="stable").tolist() if p[i] >= o["xtc_threshold"]]
    return drop(x, np.array([i in choices[:-1] for i in range(VOCAB)]))


def mirostat_1(x, o, text, prompt):
    order = np.argsort(-x, kind="stable")
    p = softmax(x)[order][:100]
    t = np.log((np.arange(len(p) - 1) + 2) / (np.arange(len(p) - 1) + 1))
    b = np.log(p[:-1] / p[1:])
    s = (t * b).sum() / (t * t).sum()
    e = s - 1
    k = ((e * 2 ** o["mu"]) / (1 - VOCAB ** -e)) ** (1 / s)
    return top_k(x, {"top_k": max(int(min(k, VOCAB)), 1)}, text, prompt)


def mirostat_2(x, o, text, prompt):
    p = softmax(x)
    gone = (-np.log2(p) > o["mu"]) & (np.arange(VOCAB) != np.argmax(x))
    return drop(x, gone)


def adaptive(x, o, text, prompt):
    p, target = softmax(x), o["adaptive_target"]
    aim = min(max(2 * target - o["adaptive_sum"] / o["adaptive_weight"], 0.0), 1.0)
    d = np.abs(p - aim) / 0.3
    return np.where(np.isfinite(x), 5 - 10 * d * d / (1 + d), -np.inf)


# ---- cases ----


def cases_of(rng):
    def number(low, high):
        return round(float(rng.uniform(low, high)), 3)

    def whole(low, high):
        return int(rng.integers(low, high + 1))

    breakers = [[5], [7, 8]]
    yield "penalties", {"repeat_penalty": number(1, 2), "presence_penalty": number(-1, 1),
                        "frequency_penalty": number(-1, 1), "repeat_last_n": whole(0, 40)}, [repetition]
    yield "dry", {"dry_multiplier": number(0.1, 2), "dry_base": number(1, 3), "dry_allowed_length": whole(1, 3),
                  "dry_penalty_last_n": whole(-1, 40), "breakers": breakers[:whole(0, 2)]}, [dry]
    yield "no repeated n-gram", {"no_repeat_ngram": whole(1, 4)}, [no_repeat_ngram]
    yield "length penalty", {"exponential_decay_length_penalty": [whole(0, 20), number(0.9, 1.2)]}, [length_penalty]
    yield "minimum length", {"min_tokens": whole(1, 30)}, [min_tokens]
    yield "top-n-sigma", {"top_n_sigma": number(0.1, 3)}, [top_n_sigma]
    yield "dynamic temperature", {"temperature": number(0.2, 2), "dynatemp_range": number(0.1, 1.5),
                                  "dynatemp_exponent": number(0.3, 3)}, [dynamic_temperature]
    yield "top-h", {"top_h": number(0.05, 1)}, [top_h]
    yield "epsilon", {"epsilon_cutoff": number(0.001, 0.3)}, [epsilon]
    yield "eta", {"eta_cutoff": number(0.001, 0.9)}, [eta]
    yield "xtc", {"xtc_probability": 1, "xtc_threshold": number(0.01, 0.5)}, [xtc]
    yield "Mirostat 1", {"mirostat": 1, "mu": number(0.5, 12)}, [mirostat_1]
    yield "Mirostat 2", {"mirostat": 2, "mu": number(0.5, 12)}, [mirostat_2]
    weight = number(1, 10)
    yield "adaptive-p", {"adaptive_target": number(0, 1), "adaptive_sum": number(0, weight),
                         "adaptive_weight": weight}, [adaptive]
    yield "in another order", {"samplers": ["top_k", "xtc", "epsilon_cutoff", "top_h", "temperature"],
                               "temperature": number(0.3, 2), "top_k": whole(3, VOCAB), "xtc_probability": 1,
                               "xtc_threshold": number(0.05, 0.4), "epsilon_cutoff": number(0.001, 0.1),
                               "top_h": number(0.3, 1)}, [top_k, xtc, epsilon, top_h, temperature]
    yield "all filters", {"temperature": number(0.3, 2), "top_h": number(0.6, 1), "top_k": whole(5, VOCAB),
                          "epsilon_cutoff": number(0.001, 0.05), "eta_cutoff": number(0.001, 0.2)}, [
                              temperature, top_h, top_k, epsilon, eta]


def temperature(x, o, text, prompt):
    return x / o["temperature"]


def make_case(rng, name, options, stages):
    logits = [round(float(v), 3) for v in rng.normal(0, rng.uniform(0.5, 4), VOCAB)]
    text = [int(t) for t in rng.integers(0, rng.integers(2, VOCAB) + 1, rng.integers(1, 60)) % VOCAB]
    prompt = int(rng.integers(0, len(text) + 1))
    x = np.array([np.float32(v) for v in logits], dtype=np.float64)
    options = {k: float(np.float32(v)) if isinstance(v, float) else v for k, v in options.items()}
    for stage in stages:
        x = stage(x, options, text, prompt)
    p = softmax(x)
    return {"name": name, "options": options, "logits": logits, "text": text, "prompt": prompt,
            "probabilities": [round(float(v), 9) for v in p], "kept": [int(i) for i in np.flatnonzero(x > -np.inf)]}


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--out", type=Path, default=root / "tests/data/samplers.json")
    arguments = parser.parse_args()
    rng = np.random.default_rng(20)
    cases = [make_case(rng, *case) for _ in range(arguments.count) for case in cases_of(rng)]
    arguments.out.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
