// The grammar of Jinja 3.1, by recursive descent. expression_parser.cpp has the expressions, parser.cpp the tags.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/lexer.h"
#include "chat/jinja/syntax.h"

namespace continuo::jinja {

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  Body parse();

 private:
  using Kind = Expression::Kind;

  // ---- tokens ----
  const Token& now() const { return tokens_[at_]; }
  const Token& then() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool is_name(std::string_view name) const { return now().kind == Token::Kind::name && now().text == name; }
  bool is_symbol(std::string_view symbol) const { return now().kind == Token::Kind::symbol && now().text == symbol; }
  bool skip_name(std::string_view name);
  bool skip_symbol(std::string_view symbol);
  std::string expect_name();
  void expect_symbol(std::string_view symbol);
  void expect_end();  // of a tag
  [[noreturn]] void fail(std::string what) const;
  [[noreturn]] void unexpected(std::string_view expected) const;

  // ---- expressions ----
  Expression expression();
  Expression expression_or();
  Expression expression_and();
  Expression expression_not();
  Expression comparison();
  Expression sum();
  Expression concatenation();
  Expression product();
  Expression power();
  Expression unary(bool with_filters);
  Expression primary();
  Expression literal();
  Expression list();
  Expression dict();
  Expression postfix(Expression expression);
  Expression filters(Expression expression);
  Expression filter_chain(Expression input);
  Expression one_filter(Expression input);
  Expression test(Expression expression);
  Expression subscript(Expression expression);
  Expression subscribed();
  void call_arguments(Expression& call);
  // Several expressions with commas between are a tuple.
  Expression tuple(bool with_conditions, bool in_parentheses = false);
  Expression target(bool with_namespace);
  Expression target_part(bool with_namespace);
  Expression made(Kind kind, int line, std::string name, std::vector<Expression> parts);
  Expression binary(Kind kind, int line, std::string name, Expression left, Expression right);
  // Counts how deep the descent is.
  struct Level {
    explicit Level(Parser& parser);
    ~Level() { --parser.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    Parser& parser;
  };

  // ---- tags ----
  Body body(std::initializer_list<std::string_view> ends);
  Statement tag();
  Statement for_tag(int line);
  Statement if_tag(int line);
  Statement set_tag(int line);
  Statement macro_tag(int line);
  Statement call_tag(int line);
  Statement filter_tag(int line);
  Statement with_tag(int line);
  void signature(Statement& macro);

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int level_ = 0;
  int loops_ = 0;  // around what is parsed
};

}  // namespace continuo::jinja
