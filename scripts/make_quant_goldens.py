#!/usr/bin/env python3
"""Writes tests/data/quant: what the gguf package makes of stored blocks, and of floats.

    python scripts/make_quant_goldens.py tests/data/quant

needs gguf and numpy. NAME.stored holds blocks of random bytes, among them such with scales that are zero, subnormal, negative
and large; NAME.floats what they are, as float32. `floats` holds float32 values, and NAME.packed the blocks that the package
makes of them, for the formats that it can write.
"""
import argparse
import pathlib

import gguf
import numpy as np

NAMES = ["BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4",
         "TQ1_0", "TQ2_0", "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "NVFP4"]
# Where binary16 numbers stand in a block.
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "TQ1_0": [52], "TQ2_0": [64],
          "IQ1_S": [0], "IQ2_XXS": [0], "IQ2_XS": [0], "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0]}
WRITABLE = ["BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4", "TQ1_0", "TQ2_0"]


def stored_blocks(name, random):
    values, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    blocks = random.integers(0, 256, (512 // values if values > 1 else 512, size), dtype=np.uint8)
    if name == "TQ2_0":
        blocks[0, :64] = np.resize(np.array([0, 85, 170, 0b10010010], np.uint8), 64)
    if name == "IQ1_M":
        blocks[0, 49::2] &= 0x7F  # the upper bits of the factor: no infinities, no NaNs
        blocks[:, 55] &= 0xBF
    if name == "BF16":
        blocks[:, 1] &= 0xBF  # no infinities, no NaNs
    special = np.array([0, 2**-24, -2**-15, 1, -0.37, 65504], np.float16)
    for at in HALVES.get(name, []):
        halves = random.standard_normal(len(blocks)).astype(np.float16)
        halves[: min(len(blocks) - 1, 6)] = random.permutation(special)[: min(len(blocks) - 1, 6)]
        blocks[:, at : at + 2] = halves.view(np.uint8).reshape(-1, 2)
    if name == "MXFP4":
        blocks[:, 0] = np.resize(np.array([0, 1, 2, 3, 100, 127, 128, 129, 250], np.uint8), len(blocks))
    return blocks.reshape(-1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    floats = random.standard_normal(1024).astype(np.float32)
    floats[:32] = 0
    floats[32:64] = -0.25
    floats[64:96] = np.abs(floats[64:96])
    floats[96:128] *= np.float32(1e-30)
    floats[128:160] *= np.float32(1000)
    floats[160:192] = np.arange(32)
    floats.tofile(folder / "floats")
    for name in NAMES:
        kind = gguf.GGMLQuantizationType[name]
        stored = stored_blocks(name, random)
        stored.tofile(folder / f"{name.lower()}.stored")
        gguf.quants.dequantize(stored.reshape(1, -1), kind).astype(np.float32).tofile(folder / f"{name.lower()}.floats")
        if name in WRITABLE:
            gguf.quants.quantize(floats.reshape(1, -1), kind).tofile(folder / f"{name.lower()}.packed")


if __name__ == "__main__":
    main()
