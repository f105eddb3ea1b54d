// What files call the tensors: for each role a name, a prefix, a layout. Binding asks for roles and knows no
// names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/tensor_roles.h"
#include "model/weights.h"

namespace continuo {

// In `name` "#" stands for the layer's number, "@" for the number of the expert or head, "%" for the stack that the layer
// is in, "&" and "^" for twice the layer's number, and one more (attention and feed-forward part as blocks of their own);
// "*" at the start for the prefix. Whether a tensor must be there is not said here: the spec implies it. A role may have several
// names: files use one of them, and the first is the one that messages suggest.
struct TensorName {
  Role role;
  std::string_view name;
  Layout layout = Layout::row_major;
};

struct TensorNames {
  std::span<const TensorName> tensors;
  // What may stand for "*": the one under which the embedding is found.
  std::span<const std::string_view> prefixes;
  // Names (with "*" and "#") of buffers that published files carry and the network does not need.
  std::span<const std::string_view> ignored;
  // What stands for "%", one for each of the spec's stacks.
  std::span<const std::string_view> stacks = {};
};

// Where in the network a role's tensor is.
struct TensorPlace {
  std::optional<std::size_t> layer = {};
  std::size_t part = 0;  // for "@"
  // Where layers stand in several stacks: which this is, and the layer's number in it.
  std::string_view stack = {};
  std::optional<std::size_t> number = {};
};

// "layer 3 attention q".
std::string role_text(Role role, const TensorPlace& place);
// The name of a tensor, whatever stands in it filled in.
std::string file_name(std::string_view pattern, std::string_view prefix, const TensorPlace& place);
// The same the other way round; a number stands for any digits.
bool matches(std::string_view pattern, std::string_view prefix, std::string_view name);

}  // namespace continuo
