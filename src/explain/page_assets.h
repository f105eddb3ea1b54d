// The page's style and script, embedded by the build (scripts/cmake/EmbedAssets.cmake).
#pragma once

#include <string_view>

namespace continuo::explain {

struct PageAsset {
  std::string_view text;
  std::string_view hash;  // as a content security policy names it: "sha256-..."
};
PageAsset page_style();
PageAsset page_script();

}  // namespace continuo::explain
