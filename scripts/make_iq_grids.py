#!/usr/bin/env python3
"""Writes src/quant/iq_grids.h: the points of the lattices that the IQ formats index, from the gguf package (MIT licence).

    python scripts/make_iq_grids.py src/quant/iq_grids.h

needs gguf and numpy. A point is one number: its values, as indices of the lattice's levels, the first lowest.
"""
import pathlib
import sys

import numpy as np
from gguf import quants

HEAD = """// The points of the lattices that the IQ formats index. A point is one number: its values as indices of the lattice's
// levels, so many bits each, the first lowest. Made by scripts/make_iq_grids.py from the gguf package of ggml-org
// (https://github.com/ggml-org/llama.cpp, MIT licence, copyright The ggml authors).
#pragma once

#include <array>
#include <cstdint>

namespace continuo {

// clang-format off
"""


def points(name, bits):
    kind = getattr(quants, name)
    kind.init_grid()
    grid = np.array(kind.grid).reshape(kind.grid_shape).astype(np.int64)
    levels = [int(np.int8(v)) if v > 127 else int(v) for v in kind.grid_map]
    index = {level: i for i, level in enumerate(levels)}
    return levels, [sum(index[int(v)] << (bits * i) for i, v in enumerate(point)) for point in grid]


def main():
    out = HEAD
    for name, symbol, bits in [("IQ1_S", "Iq1", 2), ("IQ2_XXS", "Iq2Xxs", 2), ("IQ2_XS", "Iq2Xs", 2), ("IQ2_S", "Iq2S", 2),
                               ("IQ3_XXS", "Iq3Xxs", 3), ("IQ3_S", "Iq3S", 3)]:
        levels, numbers = points(name, bits)
        out += f"inline constexpr std::array<std::int8_t, {len(levels)}> k{symbol}Levels = {{{', '.join(map(str, levels))}}};\n"
        out += f"inline constexpr std::array<std::uint16_t, {len(numbers)}> k{symbol}Points = {{\n"
        for first in range(0, len(numbers), 16):
            out += "  " + ", ".join(map(str, numbers[first : first + 16])) + ",\n"
        out += "};\n"
    pathlib.Path(sys.argv[1]).write_text(out + "// clang-format on\n\n}  // namespace continuo\n")


if __name__ == "__main__":
    main()
