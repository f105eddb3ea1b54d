#!/usr/bin/env python3
"""Tokens per second of many sequences at once, `continuo batch` beside llama-batched-bench of the same files, in turn.

    python scripts/bench/batched.py MODEL.gguf [MODEL.gguf ...] [--continuo build/continuo] [--llama-batched-bench PATH]
                                    [--at-once 1 8 32] [--prompt 64] [--generate 64] [--kv-type f16] [--json FILE]

Ours: whole runs of as many requests as run at once, each with its own prompt, generating --generate tokens and one; the
difference is generation, less what both have in common. Medians of --rounds.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time


def requests(n, prompt, vocabulary=500):
    rows = [[(i * 7919 + r * 104729 + 1) % vocabulary for i in range(prompt)] for r in range(n)]
    return "".join(json.dumps({"prompt_ids": row}) + "\n" for row in rows)


def seconds(arguments, model, n, tokens):
    text = requests(n, arguments.prompt)
    command = [arguments.continuo, "batch", "-q", "-m", model, "-t", str(arguments.threads), "-b", str(n), "-n", str(tokens),
               "--ignore-eos", "--greedy", "--kv-type", arguments.kv_type]
    began = time.perf_counter()
    subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def ours(arguments, model):
    """Generated tokens per second, by the number of sequences."""
    speeds = {}
    for n in arguments.at_once:
        short, whole = (seconds(arguments, model, n, tokens) for tokens in (1, arguments.generate + 1))
        speeds[n] = n * arguments.generate / (whole - short)
    return speeds


def peer(arguments, model):
    most = max(arguments.at_once) * (arguments.prompt + arguments.generate)
    command = [arguments.llama_batched_bench, "-m", model, "-npp", arguments.prompt, "-ntg", arguments.generate, "-npl",
               ",".join(map(str, arguments.at_once)), "-t", arguments.threads, "-c", most, "--output-format", "jsonl"]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    speeds = {row["pl"]: row["speed_tg"] for row in rows}
    if missing := set(arguments.at_once) - set(speeds):
        sys.exit(f"{arguments.llama_batched_bench} printed no row for {sorted(missing)} sequences; try again")
    return speeds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--continuo", default="build/continuo")
    parser.add_argument("--llama-batched-bench")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--prompt", type=int, default=64)
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--kv-type", default="f32", help="ours; llama.cpp's is f16")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    results = {}
    for model in arguments.models:
        rounds = {"continuo": [], "peer": []}
        for _ in range(arguments.rounds):
            rounds["continuo"].append(ours(arguments, model))
            if arguments.llama_batched_bench:
                rounds["peer"].append(peer(arguments, model))
        result = {who: {n: statistics.median(one[n] for one in every) for n in arguments.at_once}
                  for who, every in rounds.items() if every}
        results[model] = result
        print(pathlib.Path(model).name)
        for who, speeds in result.items():
            first = speeds[arguments.at_once[0]]
            print(f"  {who:10}" + "".join(f"  {n:3}: {speed:8.1f}/s ({speed / first:5.2f}x)" for n, speed in speeds.items()))
        if "peer" in result:
            print("  ratio     " + "".join(f"  {n:3}: {result['continuo'][n] / result['peer'][n]:8.2f}x" + " " * 9
                                           for n in arguments.at_once))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
