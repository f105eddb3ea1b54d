#include "chat/jinja/parser.h"

#include <fmt/format.h>

#include <algorithm>

namespace continuo::jinja {

Body parse(std::string_view source) { return Parser(tokens_of(source)).parse(); }

Body Parser::parse() {
  Body all = body({});
  if (now().kind != Token::Kind::end) unexpected("the end of the template");
  return all;
}

void Parser::expect_end() {
  if (now().kind != Token::Kind::tag_end) unexpected("the end of the tag");
  take();
}

// Up to a tag of one of these names, whose name is the next token; without any, up to the template's end.
Body Parser::body(std::initializer_list<std::string_view> ends) {
  const Level level(*this);
  Body statements;
  for (;;) {
    switch (now().kind) {
      case Token::Kind::text:
        statements.push_back({.kind = Statement::Kind::text, .line = now().line, .text = MarkedText(take().text)});
        break;
      case Token::Kind::output_begin: {
        const int line = take().line;
        Statement output{.kind = Statement::Kind::output, .line = line};
        output.expressions.push_back(tuple(true));
        if (now().kind != Token::Kind::output_end) unexpected("'}}'");
        take();
        statements.push_back(std::move(output));
        break;
      }
      case Token::Kind::tag_begin:
        take();
        if (now().kind == Token::Kind::name && std::ranges::find(ends, now().text) != ends.end()) return statements;
        statements.push_back(tag());
        break;
      default:
        if (ends.size() > 0) fail(fmt::format("a tag is missing: {}", *(ends.end() - 1)));
        return statements;
    }
  }
}

Statement Parser::tag() {
  const int line = now().line;
  const std::string name = expect_name();
  if (name == "for") return for_tag(line);
  if (name == "if") return if_tag(line);
  if (name == "set") return set_tag(line);
  if (name == "macro") return macro_tag(line);
  if (name == "call") return call_tag(line);
  if (name == "filter") return filter_tag(line);
  if (name == "with") return with_tag(line);
  if (name == "generation") {
    Statement plain{.kind = Statement::Kind::plain, .line = line};
    expect_end();
    plain.bodies.push_back(body({"endgeneration"}));
    take();
    expect_end();
    return plain;
  }
  if (name == "break" || name == "continue") {
    if (loops_ == 0) throw Fault{fmt::format("{} stands outside of a loop", name), line};
    expect_end();
    return {.kind = name == "break" ? Statement::Kind::loop_break : Statement::Kind::loop_continue, .line = line};
  }
  throw Fault{fmt::format("the tag {{% {} %}} is not supported", name), line};
}

Statement Parser::for_tag(int line) {
  Statement loop{.kind = Statement::Kind::loop, .line = line};
  loop.target = target(false);
  if (!skip_name("in")) unexpected("'in'");
  loop.expressions.push_back(tuple(false));
  if (skip_name("if")) loop.expressions.push_back(expression());
  if (is_name("recursive")) fail("a recursive loop is not supported");
  expect_end();
  ++loops_;
  loop.bodies.push_back(body({"else", "endfor"}));
  --loops_;
  if (skip_name("else")) {
    expect_end();
    loop.bodies.push_back(body({"endfor"}));
  }
  take();
  expect_end();
  return loop;
}

Statement Parser::if_tag(int line) {
  Statement branches{.kind = Statement::Kind::branches, .line = line};
  for (;;) {
    branches.expressions.push_back(tuple(false));
    expect_end();
    branches.bodies.push_back(body({"elif", "else", "endif"}));
    if (skip_name("elif")) continue;
    if (skip_name("else")) {
      expect_end();
      branches.bodies.push_back(body({"endif"}));
    }
    take();
    expect_end();
    return branches;
  }
}

Statement Parser::set_tag(int line) {
  Statement set{.kind = Statement::Kind::set, .line = line};
  set.target = target(true);
  if (skip_symbol("=")) {
    set.expressions.push_back(tuple(true));
    expect_end();
    return set;
  }
  set.kind = Statement::Kind::set_block;
  set.expressions.push_back(filter_chain(Expression{.kind = Kind::body, .line = line}));
  expect_end();
  set.bodies.push_back(body({"endset"}));
  take();
  expect_end();
  return set;
}

// (a, b=1)
void Parser::signature(Statement& macro) {
  expect_symbol("(");
  while (!is_symbol(")")) {
    if (!macro.names.empty()) expect_symbol(",");
    macro.names.push_back(expect_name());
    if (skip_symbol("=")) {
      macro.expressions.push_back(expression());
    } else if (!macro.expressions.empty()) {
      fail("an argument without a default follows one with a default");
    }
  }
  take();
}

Statement Parser::macro_tag(int line) {
  Statement macro{.kind = Statement::Kind::macro, .line = line, .name = expect_name()};
  signature(macro);
  expect_end();
  const int loops = std::exchange(loops_, 0);
  macro.bodies.push_back(body({"endmacro"}));
  loops_ = loops;
  take();
  expect_end();
  return macro;
}

Statement Parser::call_tag(int line) {
  Statement call{.kind = Statement::Kind::call_block, .line = line, .name = "caller"};
  if (is_symbol("(")) signature(call);
  call.target = expression();
  if (call.target.kind != Kind::call) fail("expected a call");
  expect_end();
  const int loops = std::exchange(loops_, 0);
  call.bodies.push_back(body({"endcall"}));
  loops_ = loops;
  take();
  expect_end();
  return call;
}

Statement Parser::filter_tag(int line) {
  Statement filtered{.kind = Statement::Kind::filtered, .line = line};
  filtered.expressions.push_back(filter_chain(one_filter(Expression{.kind = Kind::body, .line = line})));
  expect_end();
  filtered.bodies.push_back(body({"endfilter"}));
  take();
  expect_end();
  return filtered;
}

Statement Parser::with_tag(int line) {
  Statement with{.kind = Statement::Kind::with, .line = line};
  while (now().kind != Token::Kind::tag_end) {
    if (!with.names.empty()) expect_symbol(",");
    with.names.push_back(expect_name());
    expect_symbol("=");
    with.expressions.push_back(expression());
  }
  expect_end();
  with.bodies.push_back(body({"endwith"}));
  take();
  expect_end();
  return with;
}

}  // namespace continuo::jinja
