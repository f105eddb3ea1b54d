#include "base/json.h"
#include "io/gguf.h"

#include <random>

#include "catch.h"
#include "gguf_bytes.h"
#include "io/checkpoint.h"
#include "io/gguf_writer.h"
#include "support.h"

using namespace continuo;
using test::GgufBytes;

namespace {

// Parsed from memory; the bytes must outlive the result.
Result<GgufFile> parse(const std::string& bytes) {
  return GgufFile::parse(Blob(std::as_bytes(std::span(bytes)), nullptr, "x.gguf"));
}

std::string refusal(const std::string& bytes) {
  const auto file = parse(bytes);
  return file ? "no error" : file.error().message();
}
std::string refusal(const GgufBytes& file) { return refusal(file.bytes()); }

GgufBytes small() {
  GgufBytes file;
  file.text("general.architecture", "llama").value("llama.block_count", 4, std::uint32_t{2});
  file.floats("a", {3, 2}, {1, 2, 3, 4, 5, 6}).floats("b", {2}, {7, 8});
  return file;
}

}  // namespace

TEST_CASE("every type of metadata value is read, in both versions") {
  for (const std::uint32_t version : {2u, 3u}) {
    GgufBytes bytes;
    bytes.version = version;
    bytes.value("u8", 0, std::uint8_t{200}).value("i8", 1, std::int8_t{-100}).value("u16", 2, std::uint16_t{60000});
    bytes.value("i16", 3, std::int16_t{-30000}).value("u32", 4, std::uint32_t{4000000000});
    bytes.value("i32", 5, std::int32_t{-2000000000}).value("f32", 6, 0.5f).value("yes", 7, std::uint8_t{1});
    bytes.text("text", "T\xc3\xa4xt")
        .value("u64", 10, std::uint64_t{1} << 63)
        .value("i64", 11, -(std::int64_t{1} << 62));
    bytes.value("f64", 12, 0.1);
    bytes.array("list", 4, 3, test::little_endian(1u) + test::little_endian(2u) + test::little_endian(3u));
    bytes.array("texts", 8, 2, test::gguf_text("a") + test::gguf_text(""));
    bytes.array("lists", 9, 1, test::little_endian(std::uint32_t{0}) + test::little_endian(std::uint64_t{2}) + "ab");
    const std::string text = bytes.bytes();
    const auto file = parse(text);
    if (!file) FAIL(file.error().message());
    REQUIRE(file->version() == version);
    const Json json = file->as_json();
    REQUIRE(json == Json({{"u8", 200},
                          {"i8", -100},
                          {"u16", 60000},
                          {"i16", -30000},
                          {"u32", 4000000000},
                          {"i32", -2000000000},
                          {"f32", 0.5},
                          {"yes", true},
                          {"text", "T\xc3\xa4xt"},
                          {"u64", std::uint64_t{1} << 63},
                          {"i64", -(std::int64_t{1} << 62)},
                          {"f64", 0.1},
                          {"list", {1, 2, 3}}}));
    REQUIRE(*file->whole("u8") == 200);
    REQUIRE(*file->flag("yes") == true);
    REQUIRE_FALSE(*file->flag("no"));
    REQUIRE(file->texts("texts")->size() == 2);
    REQUIRE(file->texts("none")->empty());
    REQUIRE((*file->array("lists"))->count == 1);
    CHECK(file->whole("text").error().message() == "x.gguf: 'text' is not a whole number");
    CHECK(file->whole("u64").error().message() == "x.gguf: 'u64' is not a whole number");
    CHECK(file->text("u8").error().message() == "x.gguf: 'u8' is not a string");
    CHECK(file->texts("list").error().message() == "x.gguf: 'list' is not an array of strings");
    CHECK(gguf_floats(*file, "list").error().message() == "x.gguf: 'list' holds elements of type u32, expected f32");
    REQUIRE(*gguf_ints(*file, "list") == std::vector<std::int32_t>{1, 2, 3});
  }
}

TEST_CASE("tensors have their shapes outermost first, and their bytes") {
  const std::string bytes = small().bytes();
  const auto file = parse(bytes);
  REQUIRE(file);
  REQUIRE(file->tensors().size() == 2);
  const GgufTensor& a = file->tensors()[0];
  REQUIRE(a.name == "a");
  REQUIRE(a.shape == std::vector<std::size_t>{2, 3});
  REQUIRE(file->bytes_of(a).size() == 24);
  REQUIRE(file->bytes_of(a).data() == reinterpret_cast<const std::byte*>(bytes.data()) + a.offset);
  float last;
  std::memcpy(&last, file->bytes_of(a).data() + 20, 4);
  REQUIRE(last == 6);
}

TEST_CASE("what is no GGUF file") {
  CHECK(refusal("") == "x.gguf: 0 bytes are too few for a GGUF file (was the download finished?)");
  CHECK(refusal(std::string(23, 'x')) == "x.gguf: 23 bytes are too few for a GGUF file (was the download finished?)");
  CHECK(refusal(std::string(24, 'x')) ==
        "x.gguf: byte 0: the file does not begin with \"GGUF\" (is it a GGUF file at all?)");
  GgufBytes file = small();
  file.version = 1;
  CHECK(refusal(file) == "x.gguf: byte 4: GGUF version 1, expected 2 or 3");
  file.version = 4;
  CHECK(refusal(file) == "x.gguf: byte 4: GGUF version 4, expected 2 or 3");
  file.version = 0x03000000;
  CHECK(refusal(file) ==
        "x.gguf: byte 4: the file is big-endian (convert it to little-endian, which nearly all GGUF files are)");
}

TEST_CASE("counts and lengths that lie") {
  GgufBytes file;
  file.n_values = std::uint64_t{1} << 60;
  CHECK(
      refusal(file) ==
      "x.gguf: byte 24: 1152921504606846976 metadata values are declared, 0 bytes are left (was the file cut short?)");
  file.n_values = 0;
  file.n_tensors = ~std::uint64_t{0};
  CHECK(refusal(file) ==
        "x.gguf: byte 24: 18446744073709551615 tensors are declared, 0 bytes are left (was the file cut short?)");

  GgufBytes text;
  text.values.push_back(test::little_endian(std::uint64_t{1} << 63) + "abcdefgh");
  CHECK(refusal(text) ==
        "x.gguf: byte 24: a string of 9223372036854775808 bytes, 8 are left (was the file cut short?)");

  GgufBytes list;
  list.array("list", 10, std::uint64_t{1} << 61, "abcdefgh");
  CHECK(refusal(list) ==
        "x.gguf: byte 52: 2305843009213693952 elements of 'list' are declared, 8 bytes are left (was the "
        "file cut short?)");
  GgufBytes texts;
  texts.array("list", 8, 2, test::gguf_text("long enough"));
  CHECK(refusal(texts) == "x.gguf: byte 71: the file ends in the middle of its header (was the file cut short?)");
  GgufBytes empties;  // elements without a size of their own: arrays of nothing
  std::string nested;
  for (int i = 0; i < 9; ++i)
    nested = test::little_endian(std::uint32_t{9}) + test::little_endian(std::uint64_t{1}) + nested;
  empties.array("deep", 9, 1, nested);
  CHECK(refusal(empties) == "x.gguf: byte 136: 'deep' nests arrays more than 8 deep");
}

TEST_CASE("metadata that cannot be meant") {
  CHECK(refusal(GgufBytes().value("k", 13, std::uint32_t{1})) == "x.gguf: byte 33: 'k' has the unknown value type 13");
  CHECK(refusal(GgufBytes().value("k", 7, std::uint8_t{2})) ==
        "x.gguf: byte 37: 'k' is a truth value of 2, expected 0 or 1");
  CHECK(refusal(GgufBytes().text("k", "a").text("k", "b")) == "x.gguf: byte 46: the metadata key 'k' stands twice");
  CHECK(refusal(GgufBytes().text("", "a")) == "x.gguf: byte 24: a metadata key of 0 bytes, expected 1 to 65535");
  CHECK(refusal(GgufBytes().value("general.alignment", 4, std::uint32_t{0})) ==
        "x.gguf: 'general.alignment' is 0, expected a power of two");
  CHECK(refusal(GgufBytes().value("general.alignment", 4, std::uint32_t{48})) ==
        "x.gguf: 'general.alignment' is 48, expected a power of two");
  CHECK(refusal(GgufBytes().text("general.alignment", "32")) == "x.gguf: 'general.alignment' is not a whole number");
}

TEST_CASE("tensors that cannot be") {
  const auto with = [](const std::vector<std::uint64_t>& extents, std::uint32_t type, std::uint64_t offset) {
    GgufBytes file;
    file.tensor("t", extents, type, offset);
    file.data.resize(64);
    return refusal(file);
  };
  CHECK(with({16}, 0, 0) == "no error");
  CHECK(with({}, 0, 0) == "x.gguf: byte 24: tensor 't': 0 dimensions, expected 1 to 4");
  CHECK(with({1, 1, 1, 1, 1}, 0, 0) == "x.gguf: byte 24: tensor 't': 5 dimensions, expected 1 to 4");
  CHECK(with({std::uint64_t{1} << 32, std::uint64_t{1} << 32}, 0, 0) ==
        "x.gguf: byte 24: tensor 't': its shape overflows");
  CHECK(with({std::uint64_t{1} << 61}, 0, 0) == "x.gguf: byte 24: tensor 't': its shape overflows");
  CHECK(with({16}, 99, 0) == "x.gguf: byte 24: tensor 't': unknown type 99");
  CHECK(with({16}, 8, 0) == "x.gguf: byte 24: tensor 't': rows of 16 values, Q8_0 stores blocks of 32");
  CHECK(with({16}, 0, 4) == "x.gguf: byte 24: tensor 't': offset 4 is no multiple of the alignment 32");
  CHECK(with({17}, 0, 0) ==
        "x.gguf: tensor 't': 68 bytes from byte 0 of the data, which has 64 (was the file cut short?)");
  CHECK(with({1}, 0, 64) ==
        "x.gguf: tensor 't': 4 bytes from byte 64 of the data, which has 64 (was the file cut short?)");
  CHECK(
      with({1}, 0, ~std::uint64_t{31}) ==
      "x.gguf: tensor 't': 4 bytes from byte 18446744073709551584 of the data, which has 64 (was the file cut short?)");

  GgufBytes twice;
  twice.floats("t", {1}, {1}).floats("t", {1}, {1});
  CHECK(refusal(twice) == "x.gguf: byte 57: the tensor 't' stands twice");
  GgufBytes overlap;
  overlap.tensor("a", {16}, 0, 0).tensor("b", {1}, 0, 32);
  overlap.data.resize(64);
  CHECK(refusal(overlap) == "x.gguf: tensors 'a' and 'b' overlap");
}

TEST_CASE("a file cut anywhere says so, and never crashes") {
  const std::string whole = small().bytes();
  REQUIRE(parse(whole));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    INFO(n << " bytes");
    const std::string cut = whole.substr(0, n);
    const auto file = parse(cut);
    // The padding after the last tensor is nobody's.
    if (n + 24 < whole.size()) REQUIRE_FALSE(file);
  }
}

TEST_CASE("random damage is noticed or harmless") {
  GgufBytes bytes = small();
  bytes.array("texts", 8, 2, test::gguf_text("a") + test::gguf_text("b"));
  const std::string whole = bytes.bytes();
  std::mt19937 random(5);
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    const auto file = parse(damaged);
    if (!file) {
      ++refused;
      REQUIRE(file.error().message().size() < 2000);
    } else {
      file->as_json().dump(-1, ' ', false, Json::error_handler_t::strict);  // is text, whatever the file holds
    }
  }
  REQUIRE(refused > 1000);
}

TEST_CASE("parts of a model are found by their names and checked") {
  const test::TemporaryFolder folder;
  const auto path = [&](const char* name) { return (folder.path() / name).string(); };
  const auto part = [](std::uint16_t number, std::uint16_t count, const char* tensor) {
    GgufBytes file;
    file.text("general.architecture", "llama");
    file.value("split.no", 2, number).value("split.count", 2, count).value("split.tensors.count", 5, std::int32_t{2});
    file.floats(tensor, {2}, {1, 2});
    return file.bytes();
  };
  test::write_file(path("m-00001-of-00002.gguf"), part(0, 2, "a"));
  test::write_file(path("m-00002-of-00002.gguf"), part(1, 2, "b"));
  for (const char* given : {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"}) {
    const auto files = ModelFiles::gguf(path(given));
    REQUIRE(files);
    const auto checkpoint = load_checkpoint(*files);
    REQUIRE(checkpoint);
    REQUIRE(checkpoint->tensors.size() == 2);
    REQUIRE(checkpoint->tensors.find("b")->second.file == path("m-00002-of-00002.gguf"));
  }
  const auto refused = [&](const std::string& name) {
    const auto files = open_gguf(name);
    return files ? "no error" : files.error().message().substr(folder.path().string().size() + 1);
  };
  test::write_file(path("m-00002-of-00002.gguf"), part(0, 2, "b"));
  CHECK(
      refused(path("m-00001-of-00002.gguf")) ==
      "m-00002-of-00002.gguf: says that it is part 1 of 2, expected part 2 of 2 (do all parts belong to the same model?)");
  test::write_file(path("m-00002-of-00002.gguf"), small().bytes());
  CHECK(
      refused(path("m-00001-of-00002.gguf")) ==
      "m-00002-of-00002.gguf: says that it is part 1 of 1, expected part 2 of 2 (do all parts belong to the same model?)");
  std::filesystem::remove(path("m-00002-of-00002.gguf"));
  CHECK(refused(path("m-00001-of-00002.gguf")).starts_with("m-00002-of-00002.gguf: no such file"));
  test::write_file(path("renamed.gguf"), part(0, 2, "a"));
  CHECK(refused(path("renamed.gguf")) ==
        "renamed.gguf: a part of 2, but its name does not end like -00001-of-00002.gguf "
        "(the other parts are found by their names; was the file renamed?)");
  test::write_file(path("m-00002-of-00002.gguf"), part(1, 2, "a"));
  const auto same = ModelFiles::gguf(path("m-00001-of-00002.gguf"));
  REQUIRE(same);
  CHECK(load_checkpoint(*same).error().message() ==
        path("m-00002-of-00002.gguf") + ": tensor 'a' is in " + path("m-00001-of-00002.gguf") + " as well");
}

TEST_CASE("what the writer writes, the reader reads") {
  const test::TemporaryFolder folder;
  const std::string path = (folder.path() / "w.gguf").string();
  GgufWriter writer;
  writer.add("general.architecture", std::string_view("llama"));
  writer.add("n", std::uint32_t{7});
  writer.add("x", 0.25f);
  writer.add("yes", true);
  const std::vector<std::string> texts = {"a", "", "c d"};
  const std::vector<float> floats = {1, -2};
  const std::vector<std::int32_t> ints = {3, -4};
  writer.add("texts", std::span<const std::string>(texts));
  writer.add("floats", std::span<const float>(floats));
  writer.add("ints", std::span<const std::int32_t>(ints));
  writer.add({.name = "w", .shape = {3, 32}, .format = Format::q8_0, .row = [](std::size_t r, float* values) {
                for (std::size_t i = 0; i < 32; ++i) values[i] = static_cast<float>(r) * 127;
              }});
  writer.add({.name = "b", .shape = {2}, .format = Format::f32, .row = [](std::size_t, float* values) {
                values[0] = 1, values[1] = 2;
              }});
  {
    auto file = NewFile::beside(path);
    REQUIRE(file);
    REQUIRE(writer.write(file->descriptor(), path));
    REQUIRE_FALSE(std::filesystem::exists(path));
    REQUIRE(file->keep());
  }
  const auto parts = open_gguf(path);
  REQUIRE(parts);
  const GgufFile& read = parts->front();
  REQUIRE(*read.whole("n") == 7);
  REQUIRE(*read.flag("yes") == true);
  REQUIRE(read.texts("texts")->back() == "c d");
  REQUIRE(*gguf_floats(read, "floats") == floats);
  REQUIRE(*gguf_ints(read, "ints") == ints);
  REQUIRE(read.tensors()[0].shape == std::vector<std::size_t>{3, 32});
  std::vector<float> values(96);
  format_info(Format::q8_0).to_float(read.bytes_of(read.tensors()[0]).data(), values.data(), 96);
  REQUIRE(values[0] == 0);
  REQUIRE(values[95] == 254);
}

TEST_CASE("a file that cannot be written whole is not there") {
  const test::TemporaryFolder folder;
  const std::string path = (folder.path() / "w.gguf").string();
  GgufWriter writer;
  writer.add({.name = "t", .shape = {1, 32}, .format = Format::q8_0, .row = [](std::size_t, float* values) {
                std::fill_n(values, 32, 1e30f);
              }});
  {
    auto file = NewFile::beside(path);
    REQUIRE(file);
    CHECK(writer.write(file->descriptor(), path).error().message() ==
          path + ": tensor 't' has a value too large for q8_0");
  }
  REQUIRE(std::filesystem::is_empty(folder.path()));
  CHECK(NewFile::beside((folder.path() / "none" / "w.gguf").string()).error().message() ==
        (folder.path() / "none" / "w.gguf").string() + ": cannot be written: No such file or directory");
  CHECK(NewFile::beside(folder.path().string()).error().message() ==
        folder.path().string() + ": is there already and no regular file");
}
