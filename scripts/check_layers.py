#!/usr/bin/env python3
"""Checks that #include lines under src/ point only down the house's list (see src/README.md)."""
import pathlib
import re
import sys

ALLOWED = {
    "base": set(),
    "text": {"base"},
    "chat": {"base", "text"},
    "quant": {"base"},
    "sampling": {"base"},
    "io": {"base", "quant"},
    "kernels": {"base", "quant"},
    "model": {"base", "io", "quant"},
    "state": {"base", "io", "quant", "model", "kernels"},
    "layers": {"base", "model", "state", "kernels", "quant"},
    "grammar": {"base", "text"},
    "generate": {"base", "text", "model", "state", "kernels", "layers", "sampling", "grammar"},
    "explain": {"base", "text", "quant", "model", "state", "kernels", "layers", "sampling"},
    "loading": {"base", "text", "chat", "quant", "io", "model", "kernels", "sampling"},
    "hub": {"base", "text", "loading"},
    "requests": {"base", "text", "chat", "model", "sampling", "generate", "loading", "grammar"},
    "serve": {"base", "text", "model", "generate", "loading", "requests"},
    "cli": {"base", "text", "chat", "quant", "io", "model", "kernels", "state", "layers", "sampling", "generate",
            "explain", "loading", "requests", "serve", "grammar", "hub"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z_]+)/', re.M)


def main() -> int:
    src = pathlib.Path(__file__).resolve().parent.parent / "src"
    errors = []
    for file in sorted(src.rglob("*")):
        if file.suffix not in (".h", ".cpp"):
            continue
        folder = file.relative_to(src).parts[0]
        if folder == "main.cpp":
            continue
        if folder not in ALLOWED:
            errors.append(f"{folder}/ is not in the list of folders")
            continue
        for other in INCLUDE.findall(file.read_text()):
            if other != folder and other not in ALLOWED[folder]:
                errors.append(f"{file.relative_to(src)} includes {other}/, which {folder}/ may not know")
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
