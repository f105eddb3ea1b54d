#!/usr/bin/env python3
"""Times continuo and its peers on the same files in turn (A B A B), and prints all next to the machine's limits.

    python scripts/bench/compare.py [--continuo build/continuo] [--llama-bench NAME=PATH ...] [--shapes ...] [--formats ...]
                                    [--models FILE.gguf ...] [--out FOLDER]

Models: random weights in the shapes of make_random_model.py, written as GGUF in each format by `continuo quantize`, and any
GGUF file given. Peers: the llama-bench programs that are given (of llama.cpp or of a fork), else llama-cpp-python of this
Python, if it has it; without a peer continuo's own figures are printed. Medians of --rounds rounds. A ratio is that to the
fastest peer. In --out stand the models, bench.json, bench.txt and bench.svg.
"""
import argparse
import functools
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys

from make_random_model import SHAPES

HERE = pathlib.Path(__file__).resolve().parent
PHASES = ("prompt", "generation")


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def make_model(arguments, shape, fmt):
    folder = arguments.out / "models" / shape
    if not (folder / "model.safetensors").exists():
        run(sys.executable, HERE / "make_random_model.py", shape, folder)
    file = arguments.out / "models" / f"{shape}-{fmt}.gguf"
    if not file.exists():
        part = file.with_suffix(".part")
        run(arguments.continuo, "quantize", folder, part, "--to", fmt)
        part.rename(file)
    return file


def time_continuo(arguments, file):
    """Generation begins behind one token, as llama-bench's does: keys and values of a long prompt are bytes to read too."""
    def bench(prompt, generate):
        command = [arguments.continuo, "bench", "-m", file, "-t", arguments.threads, "-p", prompt, "-n", generate,
                   "--repeat", arguments.repeat, "--json"]
        return json.loads(run(*command, *(["--kernels", arguments.kernels] if arguments.kernels else [])))

    prompt, generation = bench(arguments.prompt, 2), bench(1, arguments.generate)
    return {"prompt": prompt["prompt_tokens_per_second"], "generation": generation["generated_tokens_per_second"],
            "prompt_share": prompt["prompt_share"], "generation_share": generation["bandwidth_share"],
            "prompt_gops": prompt["prompt_gigaoperations_per_second"],
            "generation_gbs": generation["gigabytes_per_second"],
            "limits": {key: prompt[key] for key in ("bandwidth_gigabytes_per_second", "fma_gigaoperations_per_second",
                                                    "int8_gigaoperations_per_second")},
            "kernels": prompt["kernels"]}


def time_llama_bench(program, arguments, file):
    """None where the program cannot run the file."""
    command = [program, "-m", file, "-p", arguments.prompt, "-n", arguments.generate, "-t", arguments.threads, "-r",
               arguments.repeat, "-o", "json"]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{program}: cannot run {file}", file=sys.stderr)
        return None
    speeds = {}
    for row in json.loads(done.stdout):
        speeds["prompt" if row["n_prompt"] > 0 else "generation"] = row["avg_ts"]
    return speeds


def time_llama_cpp_python(arguments, file):
    return json.loads(run(sys.executable, HERE / "peer_llama_cpp.py", file, "--prompt", arguments.prompt, "--generate",
                          arguments.generate, "--threads", arguments.threads, "--repeat", arguments.repeat))


def find_peers(arguments):
    """Name -> function of (arguments, file)."""
    given = dict(one.split("=", 1) if "=" in one else (pathlib.Path(one).name, one) for one in arguments.llama_bench)
    if given:
        return {name: functools.partial(time_llama_bench, program) for name, program in given.items()}
    if importlib.util.find_spec("llama_cpp"):
        return {"llama-cpp-python": time_llama_cpp_python}
    print("no peer: neither --llama-bench nor llama-cpp-python", file=sys.stderr)
    return {}


def median_of(rounds, key):
    return statistics.median(one[key] for one in rounds)


def measure(arguments, file, peers):
    ours, theirs = [], {name: [] for name in peers}
    for _ in range(arguments.rounds):
        ours.append(time_continuo(arguments, file))
        for name, time_peer in peers.items():
            theirs[name].append(time_peer(arguments, file))
    result = {"limits": ours[-1]["limits"], "kernels": ours[-1]["kernels"]}
    for phase in PHASES:
        speed = median_of(ours, phase)
        result[phase] = {"tokens_per_second": speed, "share": median_of(ours, phase + "_share")}
        if peers:
            of_peers = {name: median_of(rounds, phase) for name, rounds in theirs.items() if None not in rounds}
            result[phase].update(peers=of_peers, ratio=speed / max(of_peers.values()) if of_peers else None)
    result["prompt"]["gigaoperations_per_second"] = median_of(ours, "prompt_gops")
    result["generation"]["gigabytes_per_second"] = median_of(ours, "generation_gbs")
    return result


def table(report):
    peers = report["peers"]
    width = max([10, *map(len, peers)])
    lines = [f"{report['threads']} threads, tokens/s, prompt of {report['prompt']} tokens, generation of {report['generate']} behind one; "
             f"{report['kernels']}", ""]
    columns = ["continuo", "of limit", *peers, *(["ratio"] if peers else [])]
    lines.append(f"{'':24}" + "".join(f"{phase:>{(width + 2) * len(columns)}}" for phase in PHASES))
    lines.append(f"{'model':24}" + "".join(f"{name:>{width + 2}}" for _ in PHASES for name in columns))
    for row in report["rows"]:
        line = f"{row['model']:24}"
        for phase in PHASES:
            one = row[phase]
            cells = [f"{one['tokens_per_second']:.1f}", f"{100 * one['share']:.0f} %"]
            if peers:
                cells += [f"{one['peers'][name]:.1f}" if name in one["peers"] else "-" for name in peers]
                cells.append(f"{one['ratio']:.2f}x" if one["ratio"] else "-")
            line += "".join(f"{cell:>{width + 2}}" for cell in cells)
        lines.append(line)
    limits = report["rows"][-1]["limits"]
    int8 = limits["int8_gigaoperations_per_second"]
    lines += ["", f"limits: {limits['bandwidth_gigabytes_per_second']:.1f} GB/s of memory, "
                  f"{limits['fma_gigaoperations_per_second']:.0f} GFLOP/s of multiply-adds"
                  + (f", {int8:.0f} GOP/s of products of bytes" if int8 else "") + " (last row)"]
    return "\n".join(lines) + "\n"


def plot(report):
    """Shares of the machine's limits: two panels, a bar a row for each program."""
    from xml.sax.saxutils import escape
    colours = ["#2a6fbb", "#aaaaaa", "#d9a441", "#8a6fb0"]
    programs = ["continuo", *report["peers"]]
    row_height, left, panel, gap, top = 12 * len(programs) + 10, 150, 260, 50, 62
    height = top + row_height * len(report["rows"]) + 30
    width = left + 2 * panel + gap + 60
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="12">', f'<rect width="{width}" height="{height}" fill="white"/>']
    at = left
    for program, colour in zip(programs, colours):
        out.append(f'<rect x="{at}" y="8" width="11" height="11" fill="{colour}"/>')
        out.append(f'<text x="{at + 16}" y="18" fill="#333">{escape(program)}</text>')
        at += 40 + 8 * len(program)
    titles = {"prompt": "prompt: share of the arithmetic peak", "generation": "generation: share of the bandwidth"}
    for i, phase in enumerate(PHASES):
        x = left + i * (panel + gap)
        out.append(f'<text x="{x}" y="42" font-weight="bold">{titles[phase]}</text>')
        most = max(1.0, *(row[phase]["share"] for row in report["rows"]))
        for percent in range(0, int(100 * most) + 1, 25 if most < 1.3 else 50):
            at = x + panel * percent / 100 / most
            out.append(f'<line x1="{at:.1f}" y1="50" x2="{at:.1f}" y2="{height - 30}" stroke="#ddd"/>')
            out.append(f'<text x="{at:.1f}" y="{height - 14}" text-anchor="middle" fill="#666">{percent} %</text>')
        for r, row in enumerate(report["rows"]):
            y, one = top - 4 + r * row_height, row[phase]
            if i == 0:
                out.append(f'<text x="{left - 10}" y="{y + row_height / 2:.1f}" text-anchor="end">{escape(row["model"])}</text>')
            speeds = [one["tokens_per_second"], *(one.get("peers", {}).get(name, 0) for name in report["peers"])]
            for b, (speed, colour) in enumerate(zip(speeds, colours)):
                if not speed:
                    continue
                length = panel * one["share"] * speed / speeds[0] / most
                out.append(f'<rect x="{x}" y="{y + 12 * b}" width="{length:.1f}" height="11" fill="{colour}"/>')
                out.append(f'<text x="{x + length + 4:.1f}" y="{y + 12 * b + 10}" font-size="10" fill="#333">'
                           f'{speed:.{0 if speed >= 100 else 1}f}</text>')
    out.append(f'<text x="{width - 8}" y="18" text-anchor="end" fill="#666">numbers: tokens/s</text></svg>')
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--continuo", default="build/continuo")
    parser.add_argument("--llama-bench", nargs="+", action="extend", default=[], metavar="NAME=PATH")
    parser.add_argument("--shapes", nargs="*", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--formats", nargs="+", default=["f32", "bf16", "q8_0", "q4_0"])
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--kernels", help="continuo's instruction set; default: the best")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=128)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("bench-results"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    peers = find_peers(arguments)
    report = {"peers": list(peers), "threads": arguments.threads, "prompt": arguments.prompt, "generate": arguments.generate,
              "rows": []}
    files = [(f"{shape} {fmt}", make_model(arguments, shape, fmt)) for shape in arguments.shapes
             for fmt in arguments.formats]
    files += [(pathlib.Path(model).name, model) for model in arguments.models]
    if not files:
        sys.exit("no model to time")
    for name, file in files:
        report["rows"].append({"model": name, **measure(arguments, file, peers)})
        report["kernels"] = report["rows"][-1]["kernels"]
        (arguments.out / "bench.json").write_text(json.dumps(report, indent=2) + "\n")
        (arguments.out / "bench.svg").write_text(plot(report))
        (arguments.out / "bench.txt").write_text(table(report))
        print(f"{name}: done", file=sys.stderr)
    print(table(report), end="")


if __name__ == "__main__":
    main()
