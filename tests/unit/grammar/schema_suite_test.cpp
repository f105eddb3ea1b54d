// The instances of the JSON-Schema-Test-Suite, where CONTINUO_JSON_SCHEMA_SUITE names its folder: each is taken or not
// as the suite says, byte by byte, unless its schema is refused.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/json.h"
#include "support.h"
#include "unit/grammar/matching.h"

using namespace continuo;
using namespace continuo::test;

namespace {

// An integer is written without a fraction or an exponent, and only so.
bool writes_integers_otherwise(const Json& data) {
  if (data.is_number_float()) return data.get<double>() == std::floor(data.get<double>());
  if (!data.is_structured()) return false;
  return std::any_of(data.begin(), data.end(), writes_integers_otherwise);
}

struct Tally {
  int right = 0, wrong = 0, refused = 0, other_spelling = 0;
};

// Formats are always held to here, which the suite leaves to its optional part; and schemas of a language of their own
// are not known.
bool is_left_out(const std::string& draft, const std::string& file) {
  return draft == "draft2020-12" && (file == "format.json" || file == "vocabulary.json");
}

void check_group(const Json& group, const std::string& file, bool old, Tally& tally) {
  Json schema = group.at("schema");
  if (old && schema.is_object() && !schema.contains("$schema"))
    schema["$schema"] = "http://json-schema.org/draft-07/schema#";
  const auto automaton = read_constraint({ConstraintKind::json, {schema.dump()}});
  for (const Json& one : group.at("tests")) {
    const bool expected = one.at("valid").get<bool>();
    bool taken = false;
    if (automaton) {
      Matcher matcher(*automaton, nullptr);
      taken = takes(matcher, one.at("data").dump());
    } else if (automaton.error().message().find("matches no text") == std::string::npos) {
      ++tally.refused;
      continue;
    }
    if (taken == expected) {
      ++tally.right;
    } else if (expected && writes_integers_otherwise(one.at("data"))) {
      ++tally.other_spelling;
    } else {
      ++tally.wrong;
      WARN(file << ": " << group.at("description") << ": " << one.at("description") << ": " << one.at("data").dump()
                << " of " << group.at("schema").dump().substr(0, 300));
    }
  }
}

}  // namespace

TEST_CASE("the JSON schema test suite") {
  const char* const suite = std::getenv("CONTINUO_JSON_SCHEMA_SUITE");
  if (!suite) {
    WARN("skipped: CONTINUO_JSON_SCHEMA_SUITE names no folder");
    return;
  }
  for (const char* draft : {"draft2020-12", "draft7"}) {
    Tally tally;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(suite) / "tests" / draft)) {
      if (entry.path().extension() != ".json" || is_left_out(draft, entry.path().filename().string())) continue;
      const auto groups = parse_json(read_file(entry.path()), entry.path().string());
      REQUIRE(groups);
      for (const Json& group : *groups)
        check_group(group, entry.path().filename().string(), draft == std::string_view("draft7"), tally);
    }
    std::printf("%s: %d right, %d wrong, %d refused, %d integers spelled otherwise\n", draft, tally.right, tally.wrong,
                tally.refused, tally.other_spelling);
    CHECK(tally.right > 0);
    CHECK(tally.wrong == 0);
  }
}
