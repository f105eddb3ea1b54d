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

TEST_CASE("members by pattern, names and number") {
  const std::string patterns =
      R"({"type":"object","properties":{"sum":{"type":"integer"}},"patternProperties":{"^s":{"minimum":0},"n$":{"type":"integer"}},"additionalProperties":false})";
  CHECK(valid(patterns, R"({"sum":1,"s":0.5,"n":-3,"sn":2})"));
  for (const char* json :
       {R"({"sum":-1})", R"({"s":-1})", R"({"n":0.5})", R"({"sn":-2})", R"({"sn":0.5})", R"({"x":1})"})
    CHECK(!valid(patterns, json));
  const std::string names =
      R"({"type":"object","propertyNames":{"pattern":"^[a-z]{2}$"},"additionalProperties":{"type":"null"}})";
  CHECK(valid(names, R"({"ab":null})"));
  CHECK(!valid(names, R"({"abc":null})"));
  const std::string counts =
      R"({"type":"object","properties":{"a":true,"b":true},"required":["a"],"minProperties":2,"maxProperties":3})";
  CHECK(valid(counts, R"({"a":1,"x":1})"));
  CHECK(valid(counts, R"({"x":1,"a":1,"b":2})"));
  CHECK(!valid(counts, R"({"a":1})"));
  CHECK(!valid(counts, R"({"a":1,"b":1,"x":1,"y":1})"));
  Matcher matcher = matcher_of(ConstraintKind::json, {counts});
  CHECK(!begins(matcher, R"({"x":1,"y":1,"z)"));  // no room would be left for what is required
  CHECK(!valid(R"({"minProperties":1})", "{}"));
  CHECK(valid(R"({"minProperties":1})", R"({"k":0})"));
}

TEST_CASE("schemas that hold together, or do not") {
  const std::string merged =
      R"({"allOf":[{"properties":{"a":{"minimum":2}},"required":["a"]},{"properties":{"a":{"maximum":4},"b":{"type":"null"}},"additionalProperties":false}]})";
  CHECK(valid(merged, R"({"a":3})"));
  for (const char* json : {R"({"a":1})", R"({"a":5})", R"({"a":3,"c":1})", R"({"b":null})"})
    CHECK(!valid(merged, json));
  const std::string texts =
      R"({"type":"string","minLength":3,"maxLength":5,"allOf":[{"pattern":"^[a-z]*$"},{"pattern":"x"}],"not":{"pattern":"^xx"}})";
  CHECK(valid(texts, "\"axb\""));
  for (const char* json : {"\"ax\"", "\"abc\"", "\"xxa\"", "\"abcdex\"", "\"a x\""}) CHECK(!valid(texts, json));
  const std::string one = R"({"oneOf":[{"type":"integer"},{"minimum":3}]})";
  CHECK(valid(one, "2"));
  CHECK(valid(one, "3.5"));
  CHECK(!valid(one, "3"));
  CHECK(!valid(one, "2.5"));
  const std::string other = R"({"not":{"type":["string","array","object"]},"type":["string","null","integer"]})";
  CHECK(valid(other, "null"));
  CHECK(!valid(other, "\"\""));
  CHECK(!valid(R"({"type":"object","not":{"required":["a"]}})", R"({"a":1})"));
  CHECK(valid(R"({"type":"object","not":{"required":["a"]}})", R"({"b":1})"));
  const std::string when =
      R"({"type":"object","properties":{"k":{"enum":["x","y"]}},"required":["k"],"if":{"properties":{"k":{"const":"x"}}},"then":{"required":["n"]},"else":{"maxProperties":1}})";
  CHECK(valid(when, R"({"k":"x","n":1})"));
  CHECK(valid(when, R"({"k":"y"})"));
  CHECK(!valid(when, R"({"k":"x"})"));
  CHECK(!valid(when, R"({"k":"y","n":1})"));
  const std::string depends = R"({"type":"object","dependentRequired":{"a":["b"]}})";
  CHECK(valid(depends, R"({"b":1})"));
  CHECK(valid(depends, R"({"a":1,"b":1})"));
  CHECK(!valid(depends, R"({"a":1})"));
}

TEST_CASE("elements: contained, and each once") {
  const std::string contains =
      R"({"type":"array","items":{"type":["integer","null"]},"contains":{"type":"null"},"maxItems":3})";
  CHECK(valid(contains, "[1,null,2]"));
  CHECK(valid(contains, "[null]"));
  for (const char* json : {"[]", "[1]", "[1,2,3]", "[null,null,null,null]", "[null,true]"})
    CHECK(!valid(contains, json));
  CHECK(valid(R"({"type":"array","contains":{"const":7}})", "[1,[],7,8]"));
  CHECK(!valid(R"({"type":"array","contains":{"const":7}})", "[1,8]"));
  const std::string unique = R"({"type":"array","items":{"enum":["a","b",3]},"uniqueItems":true,"minItems":2})";
  CHECK(valid(unique, R"(["b",3])"));
  CHECK(!valid(unique, R"(["b","b"])"));
  CHECK(!valid(unique, R"(["b"])"));
}

TEST_CASE("references by name, by address, and to places") {
  const std::string named =
      R"({"$id":"http://x.y/z/root.json","properties":{"a":{"$ref":"#item"},"b":{"$ref":"item.json"},"c":{"$ref":"http://x.y/z/item.json#/properties/d"}},"$defs":{"i":{"$anchor":"item","type":"null"},"j":{"$id":"item.json","type":"object","properties":{"d":{"type":"integer"}}}}})";
  CHECK(valid(named, R"({"a":null,"b":{"d":1},"c":2})"));
  CHECK(!valid(named, R"({"a":1})"));
  CHECK(!valid(named, R"({"b":{"d":"x"}})"));
  CHECK(!valid(named, R"({"c":"x"})"));
  CHECK(valid(R"({"$defs":{"n":{"minimum":2}},"$ref":"#/$defs/n","maximum":3})", "3"));
  CHECK(!valid(R"({"$defs":{"n":{"minimum":2}},"$ref":"#/$defs/n","maximum":3})", "4"));
}

TEST_CASE("anchors in groups, and look-ahead at the beginning") {
  const auto matched = [](const char* pattern, const std::string& text) {
    return valid(std::string(R"({"type":"string","pattern":")") + pattern + "\"}", "\"" + text + "\"");
  };
  CHECK(matched("(^a|b)c", "ac"));
  CHECK(!matched("(^a|b)c", "xac"));
  CHECK(matched("(^a|b)c", "xbcx"));
  CHECK(matched("^(a|b$)", "ax"));
  CHECK(!matched("^(a|b$)", "bx"));
  CHECK(matched("(^$)|(^x+$)", ""));
  CHECK(!matched("(^$)|(^x+$)", "xy"));
  CHECK(matched("^(?!ab)[a-z]+$", "ba"));
  CHECK(!matched("^(?!ab)[a-z]+$", "abc"));
  CHECK(matched("^(?=.*x)(?!x)[a-z]+$", "axb"));
  CHECK(!matched("^(?=.*x)(?!x)[a-z]+$", "xab"));
}

TEST_CASE("formats") {
  const auto formatted = [](const char* format, const std::string& text) {
    return valid(std::string(R"({"type":"string","format":")") + format + "\"}", "\"" + text + "\"");
  };
  CHECK(formatted("date", "2024-02-29"));
  CHECK(!formatted("date", "2023-02-29"));
  CHECK(!formatted("date", "2024-04-31"));
  CHECK(formatted("date-time", "1990-12-31T23:59:59.5Z"));
  CHECK(formatted("ipv6", "::ffff:192.168.0.1"));
  CHECK(formatted("ipv6", "1:2:3:4:5:6:7:8"));
  CHECK(!formatted("ipv6", "1:2:3:4:5:6:7:8:9"));
  CHECK(!formatted("ipv6", "1::2::3"));
  CHECK(formatted("email", "a.b@example.com"));
  CHECK(!formatted("email", "a.b"));
  CHECK(formatted("uri", "https://a.b/c?d=e#f"));
  CHECK(!formatted("uri", "/a/b"));
  CHECK(formatted("uri-reference", "../a?b"));
  CHECK(formatted("hostname", "a-b.example.org"));
  CHECK(!formatted("hostname", "-a.org"));
  CHECK(formatted("duration", "P1Y2M3DT4H5M6S"));
  CHECK(!formatted("duration", "P"));
  CHECK(formatted("of-this-house", "anything"));  // what no draft knows says nothing
}

TEST_CASE("what is not supported is refused by name and place") {
  CHECK(refused(R"({"type":"object","properties":{"a":{"unevaluatedItems":false}}})") ==
        "json_schema at #/properties/a has the keyword \"unevaluatedItems\", which is not supported");
  for (const char* word : {"patternProperties", "propertyNames", "contains", "unevaluatedProperties", "$dynamicRef",
                           "not", "required", "format"}) {
    INFO(word);
    CHECK(refused(std::string("{\"") + word + "\": 3}").find(word) != std::string::npos);
  }
  CHECK(refused(R"({"type":"array","uniqueItems":true})").find("uniqueItems") != std::string::npos);
  CHECK(refused(R"({"oneOf":[{"type":"string","format":"date"},{"type":"string"}]})").find("oneOf") !=
        std::string::npos);
  CHECK(refused(R"({"$ref":"http://x/y"})").find("$ref") != std::string::npos);
  CHECK(refused(R"({"$ref":"#/nowhere"})").find("leads nowhere") != std::string::npos);
  CHECK(refused(R"({"$ref":"#"})").find("left recursion") != std::string::npos);
  CHECK(refused(R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})").find("left recursion") != std::string::npos);
  CHECK(refused(R"~({"type":"string","pattern":"a(?=a)"})~").find("look-ahead") != std::string::npos);
  CHECK(refused(R"({"type":"string","format":"iri"})").find("the format \"iri\"") != std::string::npos);
  CHECK(refused(R"({"type":"text"})").find("JSON does not know") != std::string::npos);
  CHECK(refused("[]").find("neither an object") != std::string::npos);
  CHECK(refused("{").find("not valid JSON") != std::string::npos);
  CHECK(refused(R"({"type":"object","properties":{"a":false},"required":["a"]})").find("matches no text") !=
        std::string::npos);
  std::string large = "{\"enum\":[0";
  for (int i = 0; large.size() < 10'000'000; ++i)
    large += ",\"a value that is like no other: " + std::to_string(i) + "\"";
  CHECK(refused(large + "]}").find("too large") != std::string::npos);
}
