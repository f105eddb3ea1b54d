// Which network it is, to the bit: what a sequence remembers means nothing to another one.
#pragma once

#include "base/digest.h"
#include "kernels/thread_pool.h"
#include "model/model.h"

namespace continuo {

// Of the configuration (what a GGUF file says of its tokenizer left out) and of every tensor that the network uses: its
// name, format, shape and all its bytes. All of them, so that not even one changed row goes unseen: reading them takes
// about as long as computing a token does. The number of threads does not change it.
Digest model_digest(const Model& model, ThreadPool& threads);

}  // namespace continuo
