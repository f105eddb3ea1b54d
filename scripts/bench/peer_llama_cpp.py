#!/usr/bin/env python3
"""Times llama.cpp through llama-cpp-python: one JSON object with tokens per second, medians of --repeat runs.

    python scripts/bench/peer_llama_cpp.py MODEL.gguf --prompt 512 --generate 128 --threads 2 --repeat 3
"""
import argparse
import json
import statistics
import time

import llama_cpp
import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    model = llama_cpp.Llama(arguments.model, n_ctx=arguments.prompt + arguments.generate + 8, n_batch=512,
                            n_ubatch=512, n_threads=arguments.threads, n_threads_batch=arguments.threads, verbose=False)
    # The low-level calls, so that Python's own work on the scores is not timed.
    batch = llama_cpp.llama_batch_init(max(arguments.prompt, 1), 0, 1)

    def decode(ids, position):
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i] = token
            batch.pos[i] = position + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = i == len(ids) - 1
        if llama_cpp.llama_decode(model.ctx, batch) != 0:
            raise SystemExit("llama_decode failed")

    vocab = model.n_vocab()
    ids = [(i * 7919 + 1) % vocab for i in range(arguments.prompt)]
    prompt, generation = [], []

    def begin(text):
        """Seconds that a new text's prompt takes."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(model.ctx), True)
        start = time.perf_counter()
        decode(text, 0)
        llama_cpp.llama_synchronize(model.ctx)
        return time.perf_counter() - start

    for run in range(arguments.repeat + 1):
        prompt_seconds = begin(ids)
        begin(ids[:1])
        start = time.perf_counter()
        for i in range(arguments.generate - 1):
            scores = llama_cpp.llama_get_logits_ith(model.ctx, -1)
            token = int(np.argmax(np.ctypeslib.as_array(scores, shape=(vocab,))))
            decode([token], 1 + i)
        llama_cpp.llama_synchronize(model.ctx)
        end = time.perf_counter()
        if run > 0:  # the first brings the weights into memory
            prompt.append(arguments.prompt / prompt_seconds)
            generation.append((arguments.generate - 1) / (end - start))
    print(json.dumps({"prompt": statistics.median(prompt), "generation": statistics.median(generation)}))


if __name__ == "__main__":
    main()
