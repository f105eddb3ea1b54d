// The description of the API says what the server knows, no more and no less.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "catch.h"
#include "serve/api_request.h"
#include "serve/embedding_request.h"
#include "serve/server.h"

using namespace continuo;
using Json = nlohmann::json;

namespace {

Json description() {
  std::ifstream file(CONTINUO_TESTS_FOLDER "/../src/serve/openapi.json");
  REQUIRE(file);
  return Json::parse(file);
}

}  // namespace

TEST_CASE("openapi.json has the server's routes") {
  std::set<std::string> described, served;
  const Json paths = description().at("paths");
  for (const auto& [path, methods] : paths.items()) {
    for (const auto& method : methods.items()) {
      std::string name = method.key();
      std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
      described.insert(name + " " + path);
    }
  }
  for (const Route& route : routes()) served.insert(std::string(route.method) + " " + std::string(route.path));
  CHECK(described == served);
}

namespace {

// The fields that the description has of a request.
std::set<std::string> described_fields(const char* schema) {
  std::set<std::string> described;
  const Json properties = description().at("components").at("schemas").at(schema).at("properties");
  for (const auto& property : properties.items()) described.insert(property.key());
  return described;
}

std::set<std::string> as_set(const std::vector<std::string_view>& names) { return {names.begin(), names.end()}; }

}  // namespace

TEST_CASE("openapi.json has the fields of a completion") {
  CHECK(described_fields("CompletionRequest") == as_set(completion_fields()));
}

TEST_CASE("openapi.json has the fields of a chat completion") {
  CHECK(described_fields("ChatCompletionRequest") == as_set(chat_fields()));
}

TEST_CASE("openapi.json has the fields of a request for embeddings") {
  std::set<std::string> described, known;
  const Json properties = description().at("components").at("schemas").at("EmbeddingRequest").at("properties");
  for (const auto& property : properties.items()) described.insert(property.key());
  for (const std::string_view field : embedding_fields()) known.emplace(field);
  CHECK(described == known);
}

TEST_CASE("openapi.json refers to what it has") {
  const Json whole = description();
  std::size_t references = 0;
  const auto walk = [&](const auto& self, const Json& json) -> void {
    if (json.is_object() && json.contains("$ref")) {
      ++references;
      const std::string to = json.at("$ref").get<std::string>();
      INFO(to);
      REQUIRE(to.starts_with("#"));
      CHECK(whole.contains(Json::json_pointer(to.substr(1))));
    }
    for (const auto& part : json.items())
      if (part.value().is_structured()) self(self, part.value());
  };
  walk(walk, whole);
  CHECK(references > 10);
}
