#!/usr/bin/env python3
"""What each number format costs: bits per byte of a text, and the size of the file.

    python scripts/measure_formats.py MODEL TEXT [--continuo build/continuo] [--bytes 50000]

MODEL is a Hugging Face folder or a .gguf file; it is written in every format with `continuo quantize`. The text is cut into
pieces at line ends, and each is scored by itself. Prints a table in Markdown.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

FORMATS = "f32 f16 bf16 q8_0 q6_k q5_k q5_1 q5_0 q4_k iq4_nl iq4_xs q4_1 q4_0 mxfp4 q3_k q2_k".split()


def pieces(text, size):
    piece = ""
    for line in text.splitlines(keepends=True):
        while line:
            piece, line = piece + line[: size - len(piece)], line[size - len(piece) :]
            if len(piece) >= size:
                yield piece
                piece = ""
    if piece.strip():
        yield piece


def bits_per_byte(continuo, model, texts):
    nats, size = 0.0, 0
    for text in texts:
        done = subprocess.run([continuo, "score", "-m", model, "--json", "--exact", "-f", "-"], input=text.encode(),
                              capture_output=True, check=True)
        answer = json.loads(done.stdout)
        if not answer["sum"]:
            continue
        scored = -answer["sum"] / 0.6931471805599453
        nats += scored
        size += scored / answer["bits_per_byte"]
    return nats / size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("--continuo", type=pathlib.Path, default=pathlib.Path("build/continuo"))
    parser.add_argument("--bytes", type=int, default=50000)
    parser.add_argument("--piece", type=int, default=1000, help="bytes scored together; they must fit the context")
    parser.add_argument("--formats", default=",".join(FORMATS))
    arguments = parser.parse_args()
    text = arguments.text.read_bytes()[: arguments.bytes].decode("utf-8", "ignore")
    texts = list(pieces(text, arguments.piece))
    print("| format | file | bits per byte |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.formats.split(","):
            path = pathlib.Path(folder) / f"{name}.gguf"
            subprocess.run([arguments.continuo, "quantize", arguments.model, path, "--to", name, "-q"], check=True)
            print(f"| {name} | {path.stat().st_size / 1e6:.2f} MB | {bits_per_byte(arguments.continuo, path, texts):.4f} |",
                  flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
