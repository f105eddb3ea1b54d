#include "state/saved_state.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/check.h"

namespace continuo {

static_assert(std::endian::native == std::endian::little, "pages are written as they stand in memory");

namespace {

constexpr std::string_view kMagic = "CTNSTATE";
constexpr std::uint32_t kLayoutVersion = 1;
constexpr std::uint32_t kFused = 1, kInt8 = 2;
constexpr std::string_view kProgramVersion = CONTINUO_VERSION;

using ProgramVersion = std::array<char, 16>;
using FormatName = std::array<char, 8>;

template <std::size_t N>
std::array<char, N> padded(std::string_view text) {
  std::array<char, N> chars{};
  CONTINUO_CHECK(text.size() <= N, "a name too long for a file of states");
  std::copy(text.begin(), text.end(), chars.begin());
  return chars;
}

template <std::size_t N>
std::string text_of(const std::array<char, N>& chars) {
  return {chars.begin(), std::find(chars.begin(), chars.end(), '\0')};
}

// What stands before the tokens, as the file has it: no padding between.
struct Header {
  std::array<char, 8> magic;
  std::uint32_t layout_version, arithmetic;
  ProgramVersion program;
  FormatName kv_type;
  Digest model, adapters;
  std::uint64_t tokens, caches, recurrent_states, recurrent_floats;
};
static_assert(sizeof(Header) == 104 && std::is_trivially_copyable_v<Header>);

struct CacheHeader {
  std::uint64_t page_bytes, first_page;
};

std::uint32_t arithmetic_of(const StateOrigin& origin) {
  return (origin.fused ? kFused : 0) | (origin.int8 ? kInt8 : 0);
}

std::size_t pages_of(std::size_t tokens) { return (tokens + kPageKeys - 1) / kPageKeys; }
std::size_t token_bytes(std::size_t tokens) { return round_up(tokens * sizeof(TokenId), sizeof(std::uint64_t)); }

// An empty sequence, for the sizes of what it would remember.
struct Shape {
  Shape(const ModelSpec& spec, Format kv_type) : pools(spec, 0, 0, kv_type), state(spec, pools, 0, 0) {}
  StatePools pools;
  SequenceState state;
};

// ---- writing ----

// Bytes on their way to a file, and their digest.
class Writer {
 public:
  Writer(int descriptor, const std::string& path) : descriptor_(descriptor), path_(path) {}

  Result<void> put(std::span<const std::byte> bytes) {
    digester_.add(bytes);
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    constexpr std::size_t kMost = std::size_t{1} << 20;
    return buffer_.size() < kMost ? Result<void>() : flush();
  }
  template <class T>
  Result<void> put_values(std::span<const T> values) {
    return put(std::as_bytes(values));
  }
  Result<void> finish() {
    const Digest digest = digester_.finish();
    CONTINUO_TRY_VOID(put_values(std::span<const std::uint64_t>(digest)));
    return flush();
  }

 private:
  Result<void> flush() {
    for (std::size_t at = 0; at < buffer_.size();) {
      const ssize_t n = ::write(descriptor_, buffer_.data() + at, buffer_.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        return Error{.kind = ErrorKind::output,
                     .what = "cannot be written: " + std::generic_category().message(errno),
                     .file = path_};
      }
      at += static_cast<std::size_t>(n);
    }
    buffer_.clear();
    return {};
  }

  int descriptor_;
  const std::string& path_;
  Digester digester_;
  std::vector<std::byte> buffer_;
};

Result<void> write_cache(Writer& to, const KvCache& shape, const std::vector<PageRef>& pages, std::size_t tokens) {
  const auto first = std::find_if(pages.begin(), pages.end(), [](const PageRef& page) { return bool(page); });
  const CacheHeader header{shape.page_bytes(), static_cast<std::uint64_t>(first - pages.begin())};
  CONTINUO_TRY_VOID(to.put_values(std::span(&header, 1)));
  for (std::size_t i = header.first_page; i < pages.size(); ++i) {
    CONTINUO_TRY_VOID(
        to.put_values<std::byte>(shape.clean_copy(pages[i], std::min(kPageKeys, tokens - i * kPageKeys))));
  }
  return {};
}

// ---- reading ----

// The bytes of a file in order. What is asked for is there: the whole was measured before.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::size_t left() const { return bytes_.size(); }
  std::span<const std::byte> take(std::size_t n) {
    CONTINUO_CHECK(n <= bytes_.size(), "reading behind the end of a file of states");
    const auto taken = bytes_.first(n);
    bytes_ = bytes_.subspan(n);
    return taken;
  }
  template <class T>
  T take_value() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
};

class StateReader {
 public:
  StateReader(StateFileBytes file, const StateOrigin& origin, const ModelSpec& spec, StatePools& pools)
      : file_(file), origin_(origin), spec_(spec), pools_(pools), shape_(spec, origin.kv_type), bytes_(file.bytes) {}

  Result<SavedState> read() {
    CONTINUO_TRY_VOID(check_ends());
    header_ = bytes_.take_value<Header>();
    CONTINUO_TRY_VOID(check_origin());
    CONTINUO_TRY_VOID(check_counts());
    SavedState state;
    CONTINUO_TRY_VOID(read_tokens(state));
    for (const KvCache& cache : shape_.state.caches()) CONTINUO_TRY_VOID(read_cache(cache, state));
    for (std::size_t i = 0; i < header_.recurrent_states; ++i) CONTINUO_TRY_VOID(read_recurrent(state));
    if (bytes_.left() != sizeof(Digest)) return damaged("holds more than it says");
    return state;
  }

 private:
  Error unusable(std::string what, std::string hint) const {
    return model_error(file_.name, std::move(what), std::move(hint));
  }
  Error damaged(std::string_view what) const {
    return unusable(fmt::format("the saved state {}", what), "remove the file, and it is written anew");
  }

  // The first and the last bytes, before any is believed.
  Result<void> check_ends() const {
    const std::span<const std::byte> all = file_.bytes;
    if (all.size() < kMagic.size() || std::memcmp(all.data(), kMagic.data(), kMagic.size()) != 0)
      return unusable("is no saved state", "--state names a file that continuo has written, or one that is not there");
    if (all.size() < sizeof(Header) + sizeof(Digest)) return damaged("is cut off");
    std::uint32_t version = 0;
    std::memcpy(&version, all.data() + offsetof(Header, layout_version), sizeof version);
    if (version != kLayoutVersion)
      return unusable(fmt::format("is a saved state of layout {}, expected {}", version, kLayoutVersion),
                      "another version of continuo wrote it");
    Digest stored;
    std::memcpy(&stored, all.data() + all.size() - sizeof stored, sizeof stored);
    if (digest_of(all.first(all.size() - sizeof stored)) != stored) return damaged("is cut off or altered");
    return {};
  }

  Result<void> check_origin() const {
    const auto differs = [&](std::string what) {
      return unusable(std::move(what), "its numbers would be others here");
    };
    if (header_.program != padded<sizeof(ProgramVersion)>(kProgramVersion))
      return differs(fmt::format("was written by continuo {}, this is {}", text_of(header_.program), kProgramVersion));
    if (header_.model != origin_.model) return differs("was written for another model");
    if (header_.adapters != origin_.adapters) return differs("was written with other adapters (--lora)");
    const std::string_view kv_type = format_info(origin_.kv_type).name;
    if (header_.kv_type != padded<sizeof(FormatName)>(kv_type))
      return differs(fmt::format("was written with --kv-type {}, this run has {}", text_of(header_.kv_type), kv_type));
    const std::uint32_t other = header_.arithmetic ^ arithmetic_of(origin_);
    if (other & kInt8)
      return differs(origin_.int8 ? "was written with --exact-math" : "was written without --exact-math");
    if (other != 0) return differs("was written on a processor with another arithmetic");
    return {};
  }

  // Nothing is multiplied before it is bounded.
  Result<void> check_counts() const {
    const std::size_t tokens_left = bytes_.left() / sizeof(TokenId);
    if (header_.tokens == 0 || header_.tokens > tokens_left ||
        header_.tokens > static_cast<std::uint64_t>(spec_.context_length))
      return damaged("has a wrong number of tokens");
    const bool recurrent = shape_.state.has_recurrent();
    if (header_.caches != shape_.state.caches().size() ||
        header_.recurrent_floats != SequenceState::recurrent_floats(spec_) ||
        (header_.recurrent_states > 0) != recurrent ||
        (recurrent && header_.recurrent_states > bytes_.left() / header_.recurrent_floats / sizeof(float)))
      return damaged("has not the layers of this model");
    return {};
  }

  Result<void> read_tokens(SavedState& state) {
    if (token_bytes(header_.tokens) > bytes_.left()) return damaged("ends among its tokens");
    const std::span<const std::byte> stored = bytes_.take(token_bytes(header_.tokens));
    state.tokens.resize(header_.tokens);
    std::memcpy(state.tokens.data(), stored.data(), header_.tokens * sizeof(TokenId));
    const bool known = std::all_of(state.tokens.begin(), state.tokens.end(),
                                   [&](TokenId id) { return id >= 0 && id < spec_.vocab_size; });
    return known ? Result<void>() : damaged("has ids outside the vocabulary");
  }

  Result<void> read_cache(const KvCache& shape, SavedState& state) {
    if (bytes_.left() < sizeof(CacheHeader)) return damaged("ends among its pages");
    const auto header = bytes_.take_value<CacheHeader>();
    const std::size_t all = pages_of(header_.tokens);
    if (header.page_bytes != shape.page_bytes()) return damaged("has pages of another size");
    if (header.first_page >= all || (header.first_page > 0 && shape.sees(header.first_page - 1, header_.tokens)))
      return damaged("has not all pages that the next token sees");
    const std::size_t stored = all - header.first_page;
    if (stored > bytes_.left() / shape.page_bytes()) return damaged("ends among its pages");
    if (stored > pools_.kv.available())
      return Error{
          .kind = ErrorKind::context,
          .what = fmt::format("the saved state of {} tokens takes more than all memory for sequences", header_.tokens),
          .file = file_.name,
          .hint = "more --memory will do"};
    std::vector<PageRef>& pages = state.kv.emplace_back(header.first_page);
    for (std::size_t i = 0; i < stored; ++i) {
      const std::span<const std::byte> page = bytes_.take(shape.page_bytes());
      pages.push_back(pools_.kv.take());
      std::memcpy(pages.back().bytes(), page.data(), page.size());
    }
    return {};
  }

  Result<void> read_recurrent(SavedState& state) {
    const std::size_t floats = header_.recurrent_floats;
    if (bytes_.left() < sizeof(std::uint64_t) + floats * sizeof(float)) return damaged("ends among its states");
    SavedState::Recurrent& made = state.recurrent.emplace_back();
    made.length = bytes_.take_value<std::uint64_t>();
    const bool last = state.recurrent.size() == header_.recurrent_states;
    const std::size_t before = state.recurrent.size() > 1 ? state.recurrent.end()[-2].length : 0;
    const bool in_order = made.length > before && (last ? made.length == header_.tokens : made.length % kPageKeys == 0);
    if (!in_order || made.length > header_.tokens) return damaged("has states of other lengths than it can have");
    made.floats.resize(floats);
    std::memcpy(made.floats.data(), bytes_.take(floats * sizeof(float)).data(), floats * sizeof(float));
    return {};
  }

  StateFileBytes file_;
  const StateOrigin& origin_;
  const ModelSpec& spec_;
  StatePools& pools_;
  Shape shape_;
  Reader bytes_;
  Header header_ = {};
};

}  // namespace

Result<void> write_state(const SavedState& state, const StateOrigin& origin, const ModelSpec& spec, int descriptor,
                         const std::string& path) {
  const Shape shape(spec, origin.kv_type);
  Writer to(descriptor, path);
  const Header header{.magic = padded<kMagic.size()>(kMagic),
                      .layout_version = kLayoutVersion,
                      .arithmetic = arithmetic_of(origin),
                      .program = padded<sizeof(ProgramVersion)>(kProgramVersion),
                      .kv_type = padded<sizeof(FormatName)>(format_info(origin.kv_type).name),
                      .model = origin.model,
                      .adapters = origin.adapters,
                      .tokens = state.tokens.size(),
                      .caches = state.kv.size(),
                      .recurrent_states = state.recurrent.size(),
                      .recurrent_floats = SequenceState::recurrent_floats(spec)};
  CONTINUO_TRY_VOID(to.put_values(std::span(&header, 1)));
  std::vector<TokenId> tokens = state.tokens;
  tokens.resize(token_bytes(tokens.size()) / sizeof(TokenId));
  CONTINUO_TRY_VOID(to.put_values<TokenId>(tokens));
  for (std::size_t i = 0; i < state.kv.size(); ++i)
    CONTINUO_TRY_VOID(write_cache(to, shape.state.caches()[i], state.kv[i], state.tokens.size()));
  for (const SavedState::Recurrent& recurrent : state.recurrent) {
    const std::uint64_t length = recurrent.length;
    CONTINUO_TRY_VOID(to.put_values(std::span(&length, 1)));
    CONTINUO_TRY_VOID(to.put_values<float>(recurrent.floats));
  }
  return to.finish();
}

Result<SavedState> read_state(StateFileBytes file, const StateOrigin& origin, const ModelSpec& spec,
                              StatePools& pools) {
  return StateReader(file, origin, spec, pools).read();
}

}  // namespace continuo
