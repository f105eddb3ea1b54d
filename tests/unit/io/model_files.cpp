#include "io/model_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catch.h"
#include "support.h"
#include "unit/io/samples.h"

using namespace continuo;
using continuo::test::message_of;
namespace fs = std::filesystem;

TEST_CASE("a folder's files are mapped as they are", "[io]") {
  const test::TemporaryFolder folder;
  test::write_file(folder.path() / "a.bin", std::string_view("one\0two", 7));
  test::write_file(folder.path() / "empty", "");
  fs::create_symlink(folder.path() / "a.bin", folder.path() / "link");
  auto files = ModelFiles::folder(folder.path().string() + "//");
  REQUIRE(files);
  CHECK(files->name() == folder.path().string());
  CHECK(files->path_of("a.bin") == (folder.path() / "a.bin").string());
  CHECK(files->list() == std::vector<std::string>{"a.bin", "empty", "link"});
  CHECK(files->has("a.bin"));
  CHECK_FALSE(files->has("b.bin"));
  CHECK_FALSE(files->has("../" + folder.path().filename().string() + "/a.bin"));
  CHECK(files->open("a.bin").value().text() == std::string_view("one\0two", 7));
  CHECK(files->open("link").value().text().size() == 7);
  CHECK(files->open("empty").value().bytes().empty());
  CHECK(files->open("a.bin").value().name() == (folder.path() / "a.bin").string());
}

TEST_CASE("bytes stay as long as a copy of the blob lives", "[io]") {
  const test::TemporaryFolder folder;
  test::write_file(folder.path() / "a", "kept");
  Blob copy;
  {
    auto files = ModelFiles::folder(folder.path().string());
    copy = files->open("a").value();
  }
  fs::remove(folder.path() / "a");
  CHECK(copy.text() == "kept");
}

TEST_CASE("what is not a regular file is refused at once", "[io]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.path().string();
  REQUIRE(mkfifo((path + "/pipe").c_str(), 0600) == 0);
  fs::create_directory(folder.path() / "sub");
  fs::create_symlink("nowhere", folder.path() / "dangling");
  fs::create_symlink("/dev/null", folder.path() / "device");
  const auto files = ModelFiles::folder(path);
  REQUIRE(files);
  CHECK(message_of(files->open("pipe")) == path + "/pipe: a pipe, not a file");
  CHECK(message_of(files->open("sub")) == path + "/sub: a folder, not a file");
  CHECK(message_of(files->open("device")) == path + "/device: a device, not a file");
  CHECK(message_of(files->open("dangling")) ==
        path + "/dangling: a symbolic link to a file that does not exist (was the download finished?)");
  CHECK(
      message_of(files->open("missing")) ==
      path +
          "/missing: no such file (a model is a folder with config.json, tokenizer.json and *.safetensors, or a .gguf file)");
  CHECK(files->has("dangling"));
}

TEST_CASE("a file that may not be read says so", "[io]") {
  if (geteuid() == 0) return;  // root may read everything
  const test::TemporaryFolder folder;
  const std::string path = folder.path().string();
  test::write_file(folder.path() / "secret", "x");
  fs::permissions(folder.path() / "secret", fs::perms::none);
  CHECK(message_of(ModelFiles::folder(path)->open("secret")) ==
        path + "/secret: cannot be opened: Permission denied (is it yours to read?)");
}

TEST_CASE("only plain names are opened", "[io]") {
  const test::TemporaryFolder folder;
  const auto files = ModelFiles::folder(folder.path().string());
  REQUIRE(files);
  for (const std::string name : {"", ".", "..", "a/b", "/etc/passwd", "a\\b"}) {
    CHECK(message_of(files->open(name)) == folder.path().string() + ": '" + name +
                                               "' is not a plain file name (files of a model stand in its own folder)");
  }
  CHECK_FALSE(files->open(std::string("a\0b", 3)));
}

TEST_CASE("a path that is no folder says what it is", "[io]") {
  const test::TemporaryFolder folder;
  test::write_file(folder.path() / "file", "x");
  const std::string hint = " (a model is a folder with config.json, tokenizer.json and *.safetensors, or a .gguf file)";
  const std::string path = folder.path().string();
  CHECK(message_of(ModelFiles::folder(path + "/none")) == path + "/none: no such folder" + hint);
  CHECK(message_of(ModelFiles::folder(path + "/file")) == path + "/file: not a folder" + hint);
  CHECK(message_of(ModelFiles::folder("")) == "the model's path is empty" + hint);
  CHECK(ModelFiles::folder("").error().kind == ErrorKind::usage);
}

TEST_CASE("embedded files answer like a folder", "[io]") {
  static constexpr std::string_view text = "{}";
  const auto files = ModelFiles::embedded("tales", {{"config.json", std::as_bytes(std::span<const char>(text))}});
  CHECK(files.name() == "tales");
  CHECK(files.has("config.json"));
  CHECK(files.list() == std::vector<std::string>{"config.json"});
  CHECK(files.open("config.json").value().text() == "{}");
  CHECK(files.open("config.json").value().name() == "tales/config.json");
  CHECK(message_of(files.open("other")) == "tales/other: no such file");
  CHECK_FALSE(files.open(".."));
}

TEST_CASE("pages of a mapped file that are released read as before") {
  test::TemporaryFolder folder;
  const std::string path = (folder.path() / "file").string();
  std::string text(300'000, 'a');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  std::ofstream(path, std::ios::binary) << text;
  const Result<Blob> blob = map_file(path);
  REQUIRE(blob);
  const auto all = blob->bytes();
  blob->release_pages(all.subspan(1, all.size() - 1));
  blob->release_pages(all.first(10));
  blob->release_pages(all.first(0));
  const std::vector<std::byte> own(10'000, std::byte{7});  // not the file's: nothing may happen to it
  blob->release_pages(own);
  REQUIRE(own == std::vector<std::byte>(10'000, std::byte{7}));
  REQUIRE(blob->text() == text);
}
