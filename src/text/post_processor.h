// What is put around the ids of a prompt: BOS and the like.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "base/types.h"
#include "text/part.h"

namespace continuo {

class PostProcessor {
 public:
  // null adds nothing. Ids must be below `id_count`.
  static Result<PostProcessor> parse(const Json& json, std::size_t id_count, const std::string& file);

  PostProcessor() = default;
  PostProcessor(std::vector<TokenId> before, std::vector<TokenId> after)
      : before_(std::move(before)), after_(std::move(after)) {}

  std::vector<TokenId> apply(std::vector<TokenId> ids) const;
  // How many it puts before the text's own.
  std::size_t count_before() const { return before_.size(); }

 private:
  Result<void> add(const Json& json, std::size_t id_count, const std::string& file);
  Result<void> add_sentence(const Part& part, std::size_t id_count);
  Result<void> add_template(const Part& part, std::size_t id_count);

  std::vector<TokenId> before_, after_;
  bool has_template_ = false;
};

}  // namespace continuo
