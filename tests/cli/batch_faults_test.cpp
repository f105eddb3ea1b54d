// What can happen to a long run: it is killed, the disk is full, the reader stalls, the input is hostile.
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "catch.h"
#include "cli/coprocess.h"
#include "cli/expect.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

constexpr unsigned kSeed = 99;

std::string requests(std::size_t n) {
  std::string input;
  for (std::size_t i = 0; i < n; ++i) {
    Json request = {{"prompt", "word " + std::to_string(i)}, {"max_tokens", i * 13 % 30}};
    if (i % 5 == 0) request["stream"] = true;
    input += i % 19 == 18 ? "bad\n" : request.dump() + "\n";
  }
  return input;
}

struct Case {
  Folder folder{{.preference = 3}};
  std::string in, out = folder.path() + "/out.jsonl";

  explicit Case(std::size_t n) : in(folder.file("in.jsonl", requests(n))) {}
  std::vector<std::string> arguments(std::vector<std::string> rest) const {
    std::vector<std::string> all = {"batch", "-q", "-m", folder.path(), in};
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }
  // What a run that nothing happens to writes.
  std::string unbroken(std::vector<std::string> rest = {}) const {
    rest.insert(rest.end(), {"-o", folder.path() + "/unbroken", "--overwrite"});
    CHECK(run_program(arguments(rest)).code == 1);
    return read_file(folder.path() + "/unbroken");
  }
};

std::multiset<std::string> sorted_lines(const std::string& text) {
  std::multiset<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.insert(line);
  return all;
}

// AddressSanitizer keeps freed memory for a while, up to 256 MiB of it.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kKeptFreed = std::size_t{300} << 20;
constexpr bool kSlow = true;
#else
constexpr std::size_t kKeptFreed = 0;
constexpr bool kSlow = false;
#endif
std::size_t resident_limit() { return (std::size_t{120} << 20) + kKeptFreed; }

}  // namespace

TEST_CASE("batch --resume: kill -9 at random moments") {
  const Case c(400);
  const std::string want = c.unbroken();
  std::mt19937 random(kSeed);
  std::size_t cut_short = 0;
  for (int i = 0; i < (kSlow ? 20 : 50); ++i) {
    Coprocess run(c.arguments({"-o", c.out, "--resume"}));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 120000));
    run.signal_it(SIGKILL);
    cut_short += run.wait() == -SIGKILL ? 1 : 0;
    const std::string so_far = read_file(c.out);
    REQUIRE(want.starts_with(so_far));
    if (so_far.size() > want.size() / 2) std::filesystem::resize_file(c.out, random() % want.size() / 4);
  }
  CHECK(cut_short > 0);
  CHECK(run_program(c.arguments({"-o", c.out, "--resume"})).code == 1);
  CHECK(read_file(c.out) == want);
}

TEST_CASE("batch --resume: any torn end is cut, also without order") {
  const Case c(60);
  std::mt19937 random(kSeed);
  const std::string want = c.unbroken();
  for (int i = 0; i < 12; ++i) {
    write_file(c.out, want.substr(0, random() % want.size()));
    CHECK(run_program(c.arguments({"-o", c.out, "--resume"})).code == 1);
    CHECK(read_file(c.out) == want);
  }
  const std::string any_order = c.unbroken({"--unordered"});
  for (int i = 0; i < 12; ++i) {
    write_file(c.out, any_order.substr(0, random() % any_order.size()));
    CHECK(run_program(c.arguments({"-o", c.out, "--resume", "--unordered"})).code == 1);
    CHECK(sorted_lines(read_file(c.out)) == sorted_lines(any_order));
  }
}

TEST_CASE("batch --resume refuses what is not its own") {
  const Case c(30);
  const std::string want = c.unbroken();
  write_file(c.out, "something else\n");
  check_error(run_program(c.arguments({"-o", c.out, "--resume"})), 2, "line 1 is no answer");
  check_error(run_program(c.arguments({"-o", c.out})), 2, "has 15 bytes already");
  CHECK(read_file(c.out) == "something else\n");
  write_file(c.out, want);
  const std::string other = c.folder.file("other", "{\"id\": \"other\", \"prompt\": \"a\"}\n");
  check_error(run_program({"batch", "-q", "-m", c.folder.path(), other, "-o", c.out, "--resume"}), 2, "another id");
  const std::string shorter = c.folder.file("shorter", requests(10));
  check_error(run_program({"batch", "-q", "-m", c.folder.path(), shorter, "-o", c.out, "--resume"}), 2,
              "30 answers already, but only 10 requests");
  CHECK(read_file(c.out) == want);
  CHECK(run_program(c.arguments({"-o", c.out, "--resume"})).code == 1);  // all done: nothing is added
  CHECK(read_file(c.out) == want);
}

TEST_CASE("batch --resume refuses the answers of another model, seed, order or shard") {
  const Case c(30);
  const std::string want = c.unbroken(), any_order = c.unbroken({"--unordered", "-b", "1"});
  const auto refused = [&](const std::string& there, std::vector<std::string> rest, const std::string& why) {
    write_file(c.out, there);
    rest.insert(rest.end(), {"-o", c.out, "--resume"});
    check_error(run_program(c.arguments(rest)), 2, why);
    CHECK(read_file(c.out) == there);
  };
  refused(want, {"--seed", "7"}, "another seed");
  refused(any_order, {}, "--unordered");
  refused(any_order, {"--unordered", "--seed", "7"}, "another seed");
  const Folder other({.preference = 2});
  refused(want, {"-m", other.path()}, "is of the model");
  write_file(c.out, any_order);
  const std::string shorter = c.folder.file("shorter", requests(10));
  check_error(run_program({"batch", "-q", "-m", c.folder.path(), shorter, "-o", c.out, "--resume", "--unordered"}), 2,
              "30 answers already, but only 10 requests");
  const std::string ids = c.folder.file("ids", "{\"id\": \"other\", \"prompt\": \"a\"}\n");
  check_error(run_program({"batch", "-q", "-m", c.folder.path(), ids, "-o", c.out, "--resume", "--unordered"}), 2,
              "another id");
  CHECK(read_file(c.out) == any_order);
}

TEST_CASE("batch: answers to a pipe wait for its reader, and end with it") {
  const Case c(2000);
  const std::string pipe = c.folder.path() + "/pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  check_error(run_program(c.arguments({"-o", pipe, "--resume"})), 2, "is no file that a run can resume");
  Coprocess run(c.arguments({"-o", pipe}));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  std::string begin(100, ' ');
  std::ifstream(pipe).read(begin.data(), 100);
  CHECK(begin.starts_with("{\"id\":1,"));
  CHECK(run.wait() == 0);
}

TEST_CASE("batch: a full disk, then --resume") {
  const Case c(400);
  const std::string want = c.unbroken();
  const std::string disk = c.folder.path() + "/disk";
  std::filesystem::create_directory(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=16k") != 0) {
    std::cout << "skipped: mounting a small tmpfs needs to be root\n";
    return;
  }
  const std::string out = disk + "/out";
  const Ran full = run_program(c.arguments({"-o", out}));
  CHECK(full.code == 1);
  check_contains(full.err, "No space left on device");
  check_contains(full.err, "--resume");
  CHECK(want.starts_with(read_file(out)));
  CHECK(mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=4m") == 0);
  CHECK(run_program(c.arguments({"-o", out, "--resume"})).code == 1);
  CHECK(read_file(out) == want);
  umount(disk.c_str());
}

TEST_CASE("batch: SIGTERM and SIGINT end it between answers, and it can go on") {
  for (const int number : {SIGTERM, SIGINT}) {
    const Case c(kSlow ? 800 : 3000);
    const std::string want = c.unbroken();
    auto arguments = c.arguments({"-o", c.out});
    arguments.erase(arguments.begin() + 1);  // -q
    Coprocess run(arguments);
    for (int i = 0; i < 2000 && (!std::filesystem::exists(c.out) || std::filesystem::file_size(c.out) == 0); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    run.signal_it(number);
    CHECK(run.wait() == 130);
    const std::string so_far = read_file(c.out);
    CHECK(so_far.ends_with('\n'));
    CHECK(want.starts_with(so_far));
    CHECK(so_far.size() < want.size());
    CHECK(run_program(c.arguments({"-o", c.out, "--resume"})).code == 1);
    CHECK(read_file(c.out) == want);
  }
}

TEST_CASE("batch: two runs on one file: the second refuses") {
  const Case c(10);
  Coprocess first({"batch", "-q", "-m", c.folder.path(), "-o", c.out});
  REQUIRE(first.send("{\"prompt\": \"a\"}\n"));
  for (int i = 0; i < 2000 && (!std::filesystem::exists(c.out) || std::filesystem::file_size(c.out) == 0); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  check_error(run_program(c.arguments({"-o", c.out, "--resume"})), 1, "another run is writing this file");
  check_error(run_program(c.arguments({"-o", c.out, "--overwrite"})), 1, "another run is writing this file");
  first.close_input();
  CHECK(first.wait() == 0);
  CHECK(lines(read_file(c.out)) == 1);
}

TEST_CASE("batch: stdout closed, and a reader that goes away") {
  const Case c(2000);
  CHECK(run_program({.arguments = c.arguments({}), .stdout_path = ""}).code == 1);  // bad lines
  const Ran gone = run_program({.arguments = c.arguments({}), .read_at_most = 1000});
  CHECK(gone.code == 0);
  CHECK(gone.err == "");
  check_contains(run_program({.arguments = c.arguments({}), .stdout_path = "/dev/full"}).err, "No space left");
}

TEST_CASE("batch: a reader that stalls holds up the writer, not the memory") {
  const Folder folder;
  Coprocess run({"batch", "-q", "-m", folder.path(), "-n", "40", "--greedy"});
  std::string input;
  for (int i = 0; i < 200000; ++i)
    input += "{\"prompt\": \"some words to go on with, so that the line has some length\"}\n";
  const std::size_t sent = run.send_what_it_takes(input, 700);
  CHECK(sent < input.size());
  CHECK(run.peak_memory() < resident_limit());
  CHECK(run.line());  // it still answers
  run.signal_it(SIGTERM);
  CHECK(run.wait() == 130);
}

TEST_CASE("batch: a line of a gigabyte is read past") {
  const Folder folder;
  Coprocess run({"batch", "-q", "-m", folder.path(), "-n", "1", "--greedy"});
  const std::string block(1 << 20, 'x');
  REQUIRE(run.send("{\"prompt\": \""));
  for (int i = 0; i < 1024; ++i) REQUIRE(run.send(block));
  REQUIRE(run.send("\"}\n{\"prompt\": \"a\"}\n"));
  const auto error = run.line(60000), answer = run.line();
  REQUIRE(error);
  REQUIRE(answer);
  CHECK(Json::parse(*error)["error"]["type"] == "line_too_long");
  CHECK(Json::parse(*answer)["text"] == "b");
  CHECK(run.peak_memory() < resident_limit());
  run.close_input();
  CHECK(run.wait() == 1);
}

TEST_CASE("batch: NUL bytes are text where they are text") {
  const Folder folder;
  const std::string arguments[] = {"batch", "-q", "-m", folder.path(), "--greedy", "-n", "2"};
  const Ran json = run_program({std::begin(arguments), std::end(arguments)}, "{\"prompt\": \"a\\u0000\"}\n");
  CHECK(Json::parse(json.out)["text"] == std::string(2, '\0'));
  std::vector<std::string> text(std::begin(arguments), std::end(arguments));
  text.insert(text.end(), {"--format", "text"});
  check(run_program(text, std::string("a\0\nb\n", 5)), std::string("\0\0\ncd\n", 6));
}

TEST_CASE("batch: many short requests, none lost, in order") {
  const Folder folder;
  const std::size_t n = 20000;
  std::string input;
  for (std::size_t i = 0; i < n; ++i)
    input += "{\"id\":" + std::to_string(i) + ",\"prompt\":\"" + static_cast<char>('a' + i % 26) +
             "\",\"max_tokens\":" + std::to_string(i % 4) + "}\n";
  const Ran ran = run_program({"batch", "-q", "-m", folder.path(), "--greedy"}, input);
  CHECK(ran.code == 0);
  std::istringstream out(ran.out);
  std::size_t i = 0;
  for (std::string line; std::getline(out, line); ++i) {
    const Json answer = Json::parse(line);
    REQUIRE(answer["id"] == i);
    REQUIRE(answer["completion_tokens"] == i % 4);
  }
  CHECK(i == n);
}
