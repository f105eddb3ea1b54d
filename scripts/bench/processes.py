#!/usr/bin/env python3
"""Times continuo as a shell meets it: whole processes, alone, beside each other, and on busy processors.

    python scripts/bench/processes.py MODEL [MODEL ...] [--continuo build/continuo] [--peer 'COMMAND {model} {n}'] [--json FILE]

For each model: seconds from the start of the process to its end for one token behind a prompt of 16 (page cache warm), its
peak memory beside the bytes of its files, and 64 tokens: with one thread and two, with four times as many threads as there
are processors, beside a program that keeps a processor busy, and two at once. --peer is a command that generates {n}
tokens from {model} behind as long a prompt; the two run in turn. Medians of --rounds.
"""
import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import time

CORES = len(os.sched_getaffinity(0))


def ours(arguments, model, n, *more):
    prompt = [arguments.prompt] if arguments.prompt else ["--ids", " ".join(str(i * 37 + 5) for i in range(16))]
    return [arguments.continuo, "-q", "-m", model, "--greedy", "--ignore-eos", "-n", str(n), *more, *prompt]


def start(command):
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)


def wait(process):
    error = process.stderr.read().decode(errors="replace")
    if process.wait() != 0:
        sys.exit(f"exit code {process.returncode}: {error.strip()[-500:]}")


def seconds(command, times=1):
    began = time.perf_counter()
    for process in [start(command) for _ in range(times)]:
        wait(process)
    return time.perf_counter() - began


def beside_busy(command):
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(0.1)
        return seconds(command)
    finally:
        busy.kill()
        busy.wait()


def peak_megabytes(command):
    """Of one process, by a child of our own that starts nothing else."""
    code = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    return int(subprocess.check_output([sys.executable, "-c", code, *command])) * 1024 / 1e6


def file_megabytes(model):
    path = pathlib.Path(model)
    files = path.glob("*.safetensors") if path.is_dir() else [path]
    return sum(f.stat().st_size for f in files) / 1e6


def measure(arguments, model):
    many = [ours(arguments, model, 64, "-t", str(t)) for t in (1, CORES, 4 * CORES)]
    cases = {
        "first_token": lambda: seconds(ours(arguments, model, 1)),
        "one_thread": lambda: seconds(many[0]),
        "all_cores": lambda: seconds(many[1]),
        "too_many_threads": lambda: seconds(many[2]),
        "busy_core": lambda: beside_busy(many[1]),
        "one_thread_busy_core": lambda: beside_busy(many[0]),
        "two_at_once": lambda: seconds(many[1], 2),
        "two_first_tokens": lambda: seconds(ours(arguments, model, 1), 2),
    }
    if arguments.peer:
        peer = [shlex.split(arguments.peer.format(model=shlex.quote(model), n=n)) for n in (1, 64)]
        cases |= {"peer_first_token": lambda: seconds(peer[0]), "peer_all_cores": lambda: seconds(peer[1]),
                  "peer_two_at_once": lambda: seconds(peer[1], 2), "peer_two_first_tokens": lambda: seconds(peer[0], 2)}
    times = {name: [] for name in cases}
    for name, case in cases.items():
        case()  # warm
    for _ in range(arguments.rounds):
        for name, case in cases.items():
            times[name].append(case())
    result = {name: statistics.median(values) for name, values in times.items()}
    result["peak_megabytes"] = peak_megabytes(ours(arguments, model, 1))
    result["file_megabytes"] = file_megabytes(model)
    return result


def report(model, r):
    one = r["all_cores"]
    print(f"{pathlib.Path(model).name}\n"
          f"  first token            {1000 * r['first_token']:8.1f} ms, peak memory {r['peak_megabytes']:.0f} MB "
          f"(files {r['file_megabytes']:.0f} MB)\n"
          f"  64 tokens              {1000 * one:8.1f} ms; one thread {r['one_thread'] / one:.2f} times as long\n"
          f"  4 threads a core       {r['too_many_threads'] / one:8.2f} times as long\n"
          f"  beside a busy program  {r['busy_core'] / one:8.2f} times as long (one thread: {r['one_thread_busy_core'] / one:.2f})\n"
          f"  two at once            {r['two_at_once'] / one:8.2f} times as long; first tokens "
          f"{r['two_first_tokens'] / r['first_token']:.2f}")
    if "peer_first_token" in r:
        print(f"  peer                   {1000 * r['peer_first_token']:8.1f} ms first token, {1000 * r['peer_all_cores']:.1f} ms 64 tokens; "
              f"two at once {r['peer_two_at_once'] / r['peer_all_cores']:.2f}, first tokens "
              f"{r['peer_two_first_tokens'] / r['peer_first_token']:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--continuo", default="build/continuo")
    parser.add_argument("--prompt", help="a text, for models with a vocabulary; default: 16 ids")
    parser.add_argument("--peer")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    results = {}
    for model in arguments.models:
        results[model] = measure(arguments, model)
        report(model, results[model])
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
