// A template as a tree.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "chat/jinja/value.h"

namespace continuo::jinja {

struct Expression {
  enum class Kind : char {
    literal,      // value, or text
    name,         // name
    list,         // parts
    tuple,        // parts
    dict,         // parts: key, value, key, value...
    attribute,    // parts[0].name
    item,         // parts[0][parts[1]]
    slice,        // parts: begin, end, step; an absent one is `nothing`
    call,         // parts[0](rest of parts): the last names.size() of them have names
    filter,       // the same with parts[0] | name(...)
    test,         // parts[0] is name(...)
    logical_not,  // parts[0]
    negative,     // parts[0]
    positive,     // parts[0]
    logical_and,  // parts
    logical_or,   // parts
    concat,       // parts, at least two
    arithmetic,   // parts[0] name parts[1]
    comparison,   // parts[0] names[0] parts[1] names[1] parts[2]...
    conditional,  // parts[0] if parts[1] else parts[2], which may be `nothing`
    nothing,
    body,  // the text of the block that is filtered
  };
  Kind kind = Kind::nothing;
  int line = 0;
  int depth = 1;  // of the tree
  std::string name = {};
  Value value = {};
  std::unique_ptr<MarkedText> text = {};
  std::vector<Expression> parts = {};
  std::vector<std::string> names = {};
};

struct Statement;
using Body = std::vector<Statement>;

struct Statement {
  enum class Kind : char {
    text,        // text
    output,      // expressions[0]
    branches,    // if expressions[i] then bodies[i]; one more body is the else
    loop,        // for target in expressions[0] if expressions[1]: bodies[0], else bodies[1]
    set,         // target = expressions[0]
    set_block,   // target = bodies[0], through the filters of expressions[0]
    macro,       // name(names, of which the last have the defaults in expressions): bodies[0]
    call_block,  // the same, as the `caller` of target, which is a call
    filtered,    // expressions[0] of bodies[0]
    with,        // names = expressions: bodies[0]
    plain,       // bodies[0]: {% generation %}
    loop_break,
    loop_continue,
  };
  Kind kind = Kind::text;
  int line = 0;
  MarkedText text = {};
  std::string name = {};
  std::vector<std::string> names = {};
  Expression target = {};
  std::vector<Expression> expressions = {};
  std::vector<Body> bodies = {};
};

// A Fault as what it throws. What is refused: include, import, extends, block and other tags that are not above.
Body parse(std::string_view source);

}  // namespace continuo::jinja
