// Names that a hub may list.
#include "hub/listing.h"

#include "catch.h"

using namespace continuo::hub;

TEST_CASE("paths that stay in their folder") {
  for (const char* name :
       {"config.json", "1_Pooling/config.json", "a/b/c.d", "..a", "a..", "...", "模型.gguf", "a b"}) {
    INFO(name);
    CHECK(is_safe_path(name));
  }
  const std::string zero("a\0b", 3);
  for (const std::string& name :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("."), std::string(".."),
        std::string("../a"), std::string("a/../b"), std::string("a/.."), std::string("./a"), std::string("a\\b"),
        std::string("a\nb"), std::string("a\x7f"), zero, std::string(256, 'x'), std::string(1001, '/')}) {
    INFO(name);
    CHECK_FALSE(is_safe_path(name));
  }
}
