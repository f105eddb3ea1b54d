// What the tests of the command line share: a model folder in use, and what a run is expected to give.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "cli/program.h"
#include "cli/tiny_model.h"

namespace continuo::test {

class Folder {
 public:
  explicit Folder(const TinyModel& model = {}) { model.write(folder_.path()); }
  // Arguments for the model, greedy, and the rest.
  std::vector<std::string> with(std::vector<std::string> rest) const {
    std::vector<std::string> arguments = {"-m", path(), "--greedy"};
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    return arguments;
  }
  std::string path() const { return folder_.path().string(); }
  std::string file(const std::string& name, std::string_view bytes) const {
    write_file(folder_.path() / name, bytes);
    return (folder_.path() / name).string();
  }

 private:
  TemporaryFolder folder_;
};

inline void check(const Ran& ran, std::string_view out) {
  CHECK(ran.out == out);
  CHECK(ran.err == "");
  CHECK(ran.code == 0);
}

inline std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

inline void check_contains(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
}

// Nothing on stdout, one line on stderr that says `message`.
inline void check_error(const Ran& ran, int code, const std::string& message) {
  CHECK(ran.out == "");
  CHECK(ran.err.starts_with("continuo: error: "));
  check_contains(ran.err, message);
  CHECK(lines(ran.err) == 1);
  CHECK(ran.code == code);
}

}  // namespace continuo::test
