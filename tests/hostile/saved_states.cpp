// Files of states that are cut, altered, or of something else: refused with one line, whatever they say.
#include "saved_states.h"

#include <cstring>

#include "base/digest.h"
#include "generate/memory.h"
#include "io/checkpoint.h"
#include "load_model.h"
#include "random_model.h"

using namespace continuo;
using namespace continuo::test;

namespace {

constexpr std::size_t kHeader = 104, kCounts = 72;

// The same bytes with a right digest behind them.
std::string sealed(std::string bytes) {
  const std::size_t n = bytes.size() - sizeof(Digest);
  const Digest digest = digest_of(std::as_bytes(std::span(bytes)).first(n));
  std::memcpy(bytes.data() + n, digest.data(), sizeof digest);
  return bytes;
}

struct Written {
  Written(const char* name, std::size_t tokens, EngineOptions options = {})
      : model(load_model(source_folder() / "golden" / name)), engine(sharing_engine(model, options)) {
    const TemporaryFolder folder;
    write_beginning(engine, random_ids(tokens, static_cast<std::size_t>(model.spec.vocab_size), 4),
                    folder.path() / "state");
    bytes = read_file(folder.path() / "state");
    REQUIRE(state_refusal(engine, bytes).empty());
  }
  Model model;
  Engine engine;
  std::string bytes;
};

void check_refused(Engine& engine, std::string_view bytes, std::string_view said) {
  const std::string message = state_refusal(engine, bytes);
  CHECK(message.find(said) != message.npos);
  CHECK(message.find('\n') == message.npos);
  if (message.find(said) == message.npos) UNSCOPED_INFO(message << " does not say " << said);
}

void put(std::string& bytes, std::size_t at, std::uint64_t value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

}  // namespace

TEST_CASE("a saved state that is cut anywhere is refused") {
  for (const char* const name : {"llama", "gemma3", "mamba", "falcon_h1"}) {
    INFO(name);
    Written written(name, 70);
    const std::size_t step = std::max<std::size_t>(written.bytes.size() / 300, 1);
    for (std::size_t n = 0; n < written.bytes.size(); n += n < 2 * kHeader ? 1 : step) {
      const std::string message = state_refusal(written.engine, std::string_view(written.bytes).substr(0, n));
      REQUIRE(!message.empty());
    }
    check_refused(written.engine, "", "is no saved state");
    check_refused(written.engine, std::string_view(written.bytes).substr(0, 50), "cut off");
    check_refused(written.engine, written.bytes + "x", "cut off or altered");
  }
}

TEST_CASE("a saved state with any bit flipped is refused") {
  for (const char* const name : {"llama", "mamba"}) {
    INFO(name);
    Written written(name, 3);
    const std::size_t step = std::max<std::size_t>(written.bytes.size() / 2000, 1);
    for (std::size_t at = 0; at < written.bytes.size(); at += at < 2 * kHeader ? 1 : step) {
      std::string bytes = written.bytes;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
      INFO("byte " << at);
      REQUIRE(!state_refusal(written.engine, bytes).empty());
    }
  }
}

TEST_CASE("counts and sizes that a file merely declares are refused before anything is made of them") {
  for (const char* const name : {"llama", "mamba", "jamba"}) {
    INFO(name);
    Written written(name, 70);
    const std::uint64_t values[] = {0,          1,          2,          71,         1000, 1ull << 31,
                                    1ull << 32, 1ull << 61, 1ull << 62, 1ull << 63, ~0ull};
    // The four counts, and what stands behind the tokens: pages of the first cache, or the first state.
    const std::size_t behind_tokens = kHeader + 280;
    for (const std::size_t at : {kCounts, kCounts + 8, kCounts + 16, kCounts + 24, behind_tokens, behind_tokens + 8}) {
      for (const std::uint64_t value : values) {
        std::string bytes = written.bytes;
        std::uint64_t before = 0;
        std::memcpy(&before, bytes.data() + at, sizeof before);
        if (before == value) continue;
        put(bytes, at, value);
        const std::string message = state_refusal(written.engine, sealed(bytes));
        INFO("at " << at << ": " << value);
        // Floats of a state may be any; the file has them behind its length.
        if (std::string_view(name) == "mamba" && at == behind_tokens + 8) continue;
        REQUIRE(!message.empty());
      }
    }
    std::string bytes = written.bytes;
    put(bytes, kHeader, ~0ull);
    check_refused(written.engine, sealed(bytes), "ids outside the vocabulary");
    bytes = written.bytes;
    bytes.insert(bytes.size() - sizeof(Digest), 64, '\0');
    check_refused(written.engine, sealed(bytes), "holds more than it says");
    for (std::size_t n = kHeader; n < written.bytes.size() - sizeof(Digest); n += 997) {
      REQUIRE(!state_refusal(written.engine, sealed(written.bytes.substr(0, n) + std::string(16, '\0'))).empty());
    }
  }
}

TEST_CASE("states of another model, format, arithmetic or version are refused and say so") {
  Written written("llama", 20);
  const Model changed = load_model(source_folder() / "golden" / "llama_biases");
  Engine other = sharing_engine(changed, {});
  check_refused(other, written.bytes, "was written for another model");
  Engine f16 = sharing_engine(written.model, {.kv_type = Format::f16});
  check_refused(f16, written.bytes, "was written with --kv-type f32, this run has f16");
  Engine exact = sharing_engine(written.model, {.exact_math = true});
  check_refused(exact, written.bytes, "was written without --exact-math");
  if (find_kernels("sse4")) {
    Engine unfused = sharing_engine(written.model, {.kernels = "sse4"});
    check_refused(unfused, written.bytes, "another arithmetic");
  }
  std::string bytes = written.bytes;
  bytes[8] = 2;
  check_refused(written.engine, sealed(bytes), "layout 2, expected 1");
  bytes = written.bytes;
  bytes[16] = '9';
  check_refused(written.engine, sealed(bytes), "was written by continuo 9");
  check_refused(written.engine, "CTNSTATX" + written.bytes.substr(8), "is no saved state");
}

TEST_CASE("one changed weight makes another model") {
  RandomShape shape;
  const Model model = random_llama(1, shape);
  Engine engine = sharing_engine(model, {});
  const TemporaryFolder folder;
  write_beginning(engine, random_ids(30, shape.vocab, 2), folder.path() / "state");
  const std::string bytes = read_file(folder.path() / "state");
  const TensorView& tensor = model.storage->tensors.rbegin()->second;
  auto* const last = const_cast<std::byte*>(tensor.bytes.data()) + tensor.bytes.size() - 1;
  *last ^= std::byte{1};
  Engine again = sharing_engine(model, {});
  check_refused(again, bytes, "was written for another model");
  *last ^= std::byte{1};
  Engine as_before = sharing_engine(model, {});
  CHECK(state_refusal(as_before, bytes).empty());
}

TEST_CASE("a state that no memory for sequences holds is refused") {
  Written written("llama", 200);
  EngineOptions options;
  options.memory = memory_for_one(written.model.spec, 64, options);
  Engine small = sharing_engine(written.model, options);
  check_refused(small, written.bytes, "more than all memory for sequences");
}

TEST_CASE("numbers of any bits in a state end the text with an error or not at all") {
  for (const char* const name : {"llama", "mamba", "falcon_h1"}) {
    INFO(name);
    Written written(name, 70);
    for (const char filler : {'\xff', '\x7f', '\0'}) {
      std::string bytes = written.bytes;
      const std::size_t from = kHeader + 280 + 16;
      for (std::size_t at = from; at + 64 + sizeof(Digest) < bytes.size(); ++at) {
        if (at % 5 != 0) bytes[at] = filler;
      }
      Engine engine = sharing_engine(written.model, {});
      if (!state_refusal(engine, sealed(bytes)).empty()) continue;
      auto prompt = random_ids(70, static_cast<std::size_t>(written.model.spec.vocab_size), 4);
      prompt.push_back(1);
      const auto done = engine.complete({.prompt = prompt, .max_tokens = 3}, {}, kNeverInterrupted);
      if (!done) CHECK(done.error().message().find('\n') == std::string::npos);
    }
  }
}
