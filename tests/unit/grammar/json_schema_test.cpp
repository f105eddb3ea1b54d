#include "unit/grammar/matching.h"

using namespace continuo;
using namespace continuo::test;

namespace {

bool valid(const std::string& schema, std::string_view json) {
  Matcher matcher = matcher_of(ConstraintKind::json, {schema});
  return takes(matcher, json);
}

std::string refused(std::string schema) { return refusal(ConstraintKind::json, std::move(schema)); }

}  // namespace

TEST_CASE("any JSON") {
  for (const char* json : {R"({"a": [1, -2.5e+3, true, null], "b": {}})", "[]", "\"\\u00e9\\ud83d\\ude00\\n\"", "0",
                           "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}"})
    CHECK(valid("true", json));
  for (const char* json : {"{", "[1,]", "01", "\"\n\"", "\"\\ud83d\"", "nul", "{\"a\" 1}", ".5", "{a:1}"})
    CHECK(!valid("true", json));
  CHECK(refused("false").find("matches no text") != std::string::npos);
}

TEST_CASE("objects: members in any order, each once") {
  const std::string schema =
      R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"],"additionalProperties":false})";
  CHECK(valid(schema, R"({"a":1})"));
  CHECK(valid(schema, R"({"b":"x","a":1})"));
  CHECK(!valid(schema, R"({"b":"x"})"));
  CHECK(!valid(schema, R"({"a":1,"a":2})"));
  CHECK(!valid(schema, R"({"a":1,"c":2})"));
  CHECK(!valid(schema, R"({"a":"1"})"));
  CHECK(!valid(schema, R"({"a":1,})"));
  const std::string open =
      R"({"type":"object","properties":{"foo":{"type":"null"}},"required":["bar"],"additionalProperties":{"type":"integer"}})";
  CHECK(valid(open, R"({"bar":3,"fo":1,"foo":null,"fooo":2,"":4})"));
  CHECK(!valid(open, R"({"bar":3,"foo":1})"));
  CHECK(!valid(open, R"({"bar":3,"f\u006fo":1})"));
  CHECK(!valid(open, R"({"bar":"x"})"));
  CHECK(!valid(open, R"({})"));
}

TEST_CASE("arrays") {
  const std::string list = R"({"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":3})";
  CHECK(!valid(list, "[]"));
  CHECK(valid(list, "[true, false,true]"));
  CHECK(!valid(list, "[true,true,true,true]"));
  const std::string tuple =
      R"({"type":"array","prefixItems":[{"const":1},{"const":"x"}],"items":{"type":"null"},"minItems":1})";
  CHECK(valid(tuple, "[1]"));
  CHECK(valid(tuple, R"([1,"x",null,null])"));
  CHECK(!valid(tuple, "[1,null]"));
  CHECK(!valid(tuple, "[]"));
  const std::string old = R"({"type":"array","items":[{"const":1}],"additionalItems":false})";
  CHECK(valid(old, "[]"));
  CHECK(valid(old, "[1]"));
  CHECK(!valid(old, "[1,2]"));
}

TEST_CASE("numbers within bounds") {
  for (const auto& [least, most] : {std::pair(-120, 45), std::pair(0, 0), std::pair(7, 1234), std::pair(-1000, -99)}) {
    Matcher matcher = matcher_of(ConstraintKind::json, {"{\"type\":\"integer\",\"minimum\":" + std::to_string(least) +
                                                        ",\"maximum\":" + std::to_string(most) + "}"});
    for (int i = -2000; i <= 2000; ++i) {
      INFO(i);
      REQUIRE(takes(matcher, std::to_string(i)) == (i >= least && i <= most));
    }
  }
  CHECK(valid(R"({"type":"integer","exclusiveMinimum":9223372036854775806})", "9223372036854775807"));
  const std::string number = R"({"type":"number","minimum":-1,"exclusiveMaximum":3})";
  for (const char* json : {"-1", "-1.000", "-0.5", "0", "0.0", "2.999", "2"}) CHECK(valid(number, json));
  for (const char* json : {"-1.01", "3", "3.0", "-2", "10"}) CHECK(!valid(number, json));
  const std::string positive = R"({"type":"number","exclusiveMinimum":0})";
  CHECK(valid(positive, "0.001"));
  CHECK(valid(positive, "17.5"));
  CHECK(!valid(positive, "0.00"));
  CHECK(!valid(positive, "-1"));
}

TEST_CASE("strings") {
  CHECK(valid(R"({"type":"string","minLength":2,"maxLength":3})", "\"\xc3\xa9\\n\""));
  CHECK(!valid(R"({"type":"string","minLength":2,"maxLength":3})", "\"\xc3\xa9\""));
  CHECK(!valid(R"({"type":"string","maxLength":3})", "\"abcd\""));
  CHECK(valid(R"({"type":"string","pattern":"^a+$"})", "\"aa\""));
  CHECK(!valid(R"({"type":"string","pattern":"^a+$"})", "\"ab\""));
  CHECK(valid(R"({"type":"string","pattern":"b"})", "\"abc\""));
  CHECK(valid(R"({"type":"string","pattern":"^\"\\s$"})", R"("\"\n")"));
  CHECK(valid(R"({"type":"string","format":"date"})", "\"2024-02-28\""));
  CHECK(!valid(R"({"type":"string","format":"date"})", "\"2024-2-28\""));
}

TEST_CASE("words without a type speak of their type alone") {
  CHECK(valid(R"({"minimum":5})", "\"x\""));
  CHECK(valid(R"({"minimum":5})", "6"));
  CHECK(!valid(R"({"minimum":5})", "4"));
}

TEST_CASE("several schemas, and references") {
  CHECK(valid(R"({"anyOf":[{"type":"integer"},{"const":"x"}]})", "\"x\""));
  CHECK(!valid(R"({"anyOf":[{"type":"integer"},{"const":"x"}]})", "\"y\""));
  CHECK(valid(R"({"enum":[1,"a",{"k":[null]}]})", R"({"k": [null]})"));
  CHECK(!valid(R"({"enum":[1,"a"],"type":"string"})", "1"));
  const std::string tree =
      R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"l":{"$ref":"#/$defs/t"},"v":{"type":"integer"}},"required":["v"],"additionalProperties":false}}})";
  CHECK(valid(tree, R"({"v":1,"l":{"l":{"v":3},"v":2}})"));
  CHECK(!valid(tree, R"({"v":1,"l":{}})"));
  CHECK(valid(R"({"allOf":[{"type":"integer","minimum":3},{"maximum":5}]})", "4"));
  CHECK(!valid(R"({"allOf":[{"type":"integer","minimum":3},{"maximum":5}]})", "6"));
  const std::string one =
      R"({"oneOf":[{"type":"object","properties":{"k":{"const":"a"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"b"},"n":{"type":"integer"}},"required":["k","n"]}]})";
  CHECK(valid(one, R"({"k":"a"})"));
  CHECK(!valid(one, R"({"k":"b"})"));
  CHECK(valid(one, R"({"k":"b","n":1})"));
}

TEST_CASE("what is not supported is refused by name and place") {
  CHECK(refused(R"({"type":"object","properties":{"a":{"not":{}}}})") ==
        "json_schema at #/properties/a has the keyword \"not\", which is not supported");
  for (const char* word : {"uniqueItems", "multipleOf", "contains", "patternProperties", "propertyNames", "if",
                           "dependentRequired", "unevaluatedProperties", "$dynamicRef", "wrods"}) {
    INFO(word);
    CHECK(refused(std::string("{\"") + word + "\": 3}").find(word) != std::string::npos);
  }
  CHECK(refused(R"({"oneOf":[{"type":"integer"},{"type":"number"}]})").find("oneOf") != std::string::npos);
  CHECK(refused(R"({"$ref":"http://x/y"})").find("$ref") != std::string::npos);
  CHECK(refused(R"({"$ref":"#/nowhere"})").find("leads nowhere") != std::string::npos);
  CHECK(refused(R"({"$ref":"#"})").find("left recursion") != std::string::npos);
  CHECK(refused(R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})").find("left recursion") != std::string::npos);
  CHECK(refused(R"~({"type":"string","pattern":"(?=a)"})~").find("look-ahead") != std::string::npos);
  CHECK(refused(R"({"type":"string","format":"iri"})").find("the format \"iri\"") != std::string::npos);
  CHECK(refused(R"({"type":"text"})").find("JSON does not know") != std::string::npos);
  CHECK(refused("[]").find("neither an object") != std::string::npos);
  CHECK(refused("{").find("not valid JSON") != std::string::npos);
  CHECK(refused(R"({"type":"object","properties":{"a":false},"required":["a"]})").find("matches no text") !=
        std::string::npos);
  std::string large = "{\"enum\":[0";
  while (large.size() < 10'000'000) large += ",\"some value that is not a small one\"";
  CHECK(refused(large + "]}").find("states") != std::string::npos);
}
