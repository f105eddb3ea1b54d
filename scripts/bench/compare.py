#!/usr/bin/env python3
"""Times continuo and a peer on the same files in turn (A B A B), and prints both next to the machine's limits.

    python scripts/bench/compare.py [--continuo build/continuo] [--llama-bench PATH] [--shapes ...] [--formats ...]
                                    [--models FILE.gguf ...] [--out FOLDER]

Models: random weights in the shapes of make_random_model.py, written as GGUF in each format by `continuo quantize`, and any
GGUF file given. Peer: a llama-bench program if one is given (of llama.cpp or of a fork), else llama-cpp-python of this
Python, if it has it; without a peer continuo's own figures are printed. Medians of --rounds rounds. In --out stand the
models, bench.json, bench.txt and bench.svg.
"""
import argparse
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
    command = [arguments.continuo, "bench", "-m", file, "-t", arguments.threads, "-p", arguments.prompt, "-n",
               arguments.generate, "--repeat", arguments.repeat, "--json"]
    if arguments.kernels:
        command += ["--kernels", arguments.kernels]
    got = json.loads(run(*command))
    return {"prompt": got["prompt_tokens_per_second"], "generation": got["generated_tokens_per_second"],
            "prompt_share": got["prompt_share"], "generation_share": got["bandwidth_share"],
            "prompt_gops": got["prompt_gigaoperations_per_second"], "generation_gbs": got["gigabytes_per_second"],
            "limits": {key: got[key] for key in ("bandwidth_gigabytes_per_second", "fma_gigaoperations_per_second",
                                                 "int8_gigaoperations_per_second")},
            "kernels": got["kernels"]}


def time_llama_bench(arguments, file):
    rows = json.loads(run(arguments.llama_bench, "-m", file, "-p", arguments.prompt, "-n", arguments.generate, "-t",
                          arguments.threads, "-r", arguments.repeat, "-o", "json"))
    speeds = {}
    for row in rows:
        speeds["prompt" if row["n_prompt"] > 0 else "generation"] = row["avg_ts"]
    return speeds


def time_llama_cpp_python(arguments, file):
    return json.loads(run(sys.executable, HERE / "peer_llama_cpp.py", file, "--prompt", arguments.prompt, "--generate",
                          arguments.generate, "--threads", arguments.threads, "--repeat", arguments.repeat))


def find_peer(arguments):
    if arguments.llama_bench:
        return pathlib.Path(arguments.llama_bench).name, time_llama_bench
    if importlib.util.find_spec("llama_cpp"):
        return "llama-cpp-python", time_llama_cpp_python
    print("no peer: neither --llama-bench nor llama-cpp-python", file=sys.stderr)
    return None, None


def median_of(rounds, key):
    return statistics.median(one[key] for one in rounds)


def measure(arguments, file, time_peer):
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        ours.append(time_continuo(arguments, file))
        if time_peer:
            theirs.append(time_peer(arguments, file))
    result = {"limits": ours[-1]["limits"], "kernels": ours[-1]["kernels"]}
    for phase in PHASES:
        speed = median_of(ours, phase)
        result[phase] = {"tokens_per_second": speed, "share": median_of(ours, phase + "_share")}
        if theirs:
            peer = median_of(theirs, phase)
            result[phase].update(peer_tokens_per_second=peer, ratio=speed / peer,
                                 peer_share=result[phase]["share"] * peer / speed)
    result["prompt"]["gigaoperations_per_second"] = median_of(ours, "prompt_gops")
    result["generation"]["gigabytes_per_second"] = median_of(ours, "generation_gbs")
    return result


def table(report):
    lines = [f"{report['threads']} threads, prompt of {report['prompt']} tokens, generation of {report['generate']}; "
             f"peer: {report['peer'] or 'none'}", ""]
    lines.append(f"{'model':32}  {'prompt/s':>9} {'peer':>8} {'ratio':>6} {'limit':>6}   "
                 f"{'gen/s':>8} {'peer':>8} {'ratio':>6} {'limit':>6}")
    for row in report["rows"]:
        line = f"{row['model']:32}"
        for phase, width in (("prompt", 9), ("generation", 8)):
            one = row[phase]
            peer, ratio = one.get("peer_tokens_per_second"), one.get("ratio")
            line += f"  {one['tokens_per_second']:{width}.1f} " + (f"{peer:8.1f} {ratio:5.2f}x" if peer else f"{'-':>8} {'-':>6}")
            line += f" {100 * one['share']:4.0f} % "
        lines.append(line.rstrip())
    limits = report["rows"][-1]["limits"]
    int8 = limits["int8_gigaoperations_per_second"]
    lines += ["", f"limits: {limits['bandwidth_gigabytes_per_second']:.1f} GB/s of memory, "
                  f"{limits['fma_gigaoperations_per_second']:.0f} GFLOP/s of multiply-adds"
                  + (f", {int8:.0f} GOP/s of products of bytes" if int8 else "") + " (last row)"]
    return "\n".join(lines) + "\n"


def plot(report):
    """Shares of the machine's limits: two panels, two bars a row."""
    from xml.sax.saxutils import escape
    row_height, left, panel, gap = 34, 230, 300, 60
    height = 70 + row_height * len(report["rows"])
    width = left + 2 * panel + gap + 70
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="12">', f'<rect width="{width}" height="{height}" fill="white"/>']
    titles = {"prompt": "prompt: share of the arithmetic peak", "generation": "generation: share of the bandwidth"}
    for i, phase in enumerate(PHASES):
        x = left + i * (panel + gap)
        out.append(f'<text x="{x}" y="20" font-weight="bold">{titles[phase]}</text>')
        for percent in (0, 25, 50, 75, 100):
            at = x + panel * percent / 100
            out.append(f'<line x1="{at}" y1="32" x2="{at}" y2="{height - 30}" stroke="#ddd"/>')
            out.append(f'<text x="{at}" y="{height - 14}" text-anchor="middle" fill="#666">{percent} %</text>')
        for r, row in enumerate(report["rows"]):
            y = 40 + r * row_height
            if i == 0:
                out.append(f'<text x="{left - 10}" y="{y + 15}" text-anchor="end">{escape(row["model"])}</text>')
            bars = [(row[phase]["share"], "#2a6fbb", row[phase]["tokens_per_second"])]
            if "peer_share" in row[phase]:
                bars.append((row[phase]["peer_share"], "#bbb", row[phase]["peer_tokens_per_second"]))
            for b, (share, colour, speed) in enumerate(bars):
                length = panel * min(share, 1.1)
                out.append(f'<rect x="{x}" y="{y + 12 * b}" width="{length:.1f}" height="11" fill="{colour}"/>')
                out.append(f'<text x="{x + length + 4:.1f}" y="{y + 12 * b + 10}" font-size="10" fill="#333">'
                           f'{speed:.0f}/s</text>')
    legend = "continuo" + (f" (blue), {report['peer']} (grey)" if report["peer"] else "")
    out.append(f'<text x="10" y="20" fill="#333">{escape(legend)}</text></svg>')
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--continuo", default="build/continuo")
    parser.add_argument("--llama-bench")
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
    peer, time_peer = find_peer(arguments)
    report = {"peer": peer, "threads": arguments.threads, "prompt": arguments.prompt, "generate": arguments.generate,
              "rows": []}
    files = [(f"{shape} {fmt}", make_model(arguments, shape, fmt)) for shape in arguments.shapes
             for fmt in arguments.formats]
    files += [(pathlib.Path(model).name, model) for model in arguments.models]
    if not files:
        sys.exit("no model to time")
    for name, file in files:
        report["rows"].append({"model": name, **measure(arguments, file, time_peer)})
        (arguments.out / "bench.json").write_text(json.dumps(report, indent=2) + "\n")
        (arguments.out / "bench.svg").write_text(plot(report))
        (arguments.out / "bench.txt").write_text(table(report))
        print(f"{name}: done", file=sys.stderr)
    print(table(report), end="")


if __name__ == "__main__":
    main()
