#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/parser.h"

namespace continuo::jinja {

namespace {

constexpr int kDeepest = 200;  // of an expression, and of the descent

template <class... Parts>
std::vector<Expression> parts_of(Parts... parts) {
  std::vector<Expression> all;
  (all.push_back(std::move(parts)), ...);
  return all;
}

}  // namespace

Parser::Level::Level(Parser& of) : parser(of) {
  if (++parser.level_ > kDeepest) parser.fail("it nests too deep");
}

bool Parser::skip_name(std::string_view name) {
  if (!is_name(name)) return false;
  take();
  return true;
}

bool Parser::skip_symbol(std::string_view symbol) {
  if (!is_symbol(symbol)) return false;
  take();
  return true;
}

std::string Parser::expect_name() {
  if (now().kind != Token::Kind::name) unexpected("a name");
  return take().text;
}

void Parser::expect_symbol(std::string_view symbol) {
  if (!skip_symbol(symbol)) unexpected(fmt::format("'{}'", symbol));
}

void Parser::fail(std::string what) const { throw Fault{std::move(what), now().line}; }

void Parser::unexpected(std::string_view expected) const {
  const Token& token = now();
  const bool has_text = token.kind == Token::Kind::name || token.kind == Token::Kind::symbol;
  const std::string found = has_text                             ? fmt::format("'{}'", token.text)
                            : token.kind == Token::Kind::end     ? "the end of the template"
                            : token.kind == Token::Kind::text    ? "text"
                            : token.kind == Token::Kind::string  ? "a string"
                            : token.kind == Token::Kind::integer ? "a number"
                            : token.kind == Token::Kind::real    ? "a number"
                            : token.kind == Token::Kind::tag_end ? "the end of the tag"
                                                                 : "a tag";
  fail(fmt::format("expected {}, found {}", expected, found));
}

Expression Parser::made(Kind kind, int line, std::string name, std::vector<Expression> parts) {
  Expression out{.kind = kind, .line = line, .name = std::move(name), .parts = std::move(parts)};
  for (const Expression& part : out.parts) out.depth = std::max(out.depth, part.depth + 1);
  if (out.depth > kDeepest) fail("an expression nests too deep");
  return out;
}

Expression Parser::binary(Kind kind, int line, std::string name, Expression left, Expression right) {
  return made(kind, line, std::move(name), parts_of(std::move(left), std::move(right)));
}

// ---- from the operators that bind least to those that bind most ----

Expression Parser::expression() {
  const Level level(*this);
  Expression value = expression_or();
  while (is_name("if")) {
    const int line = take().line;
    Expression condition = expression_or();
    Expression otherwise;
    if (skip_name("else")) otherwise = expression();
    value = made(Kind::conditional, line, {}, parts_of(std::move(value), std::move(condition), std::move(otherwise)));
  }
  return value;
}

Expression Parser::expression_or() {
  Expression left = expression_and();
  while (is_name("or")) {
    const int line = take().line;
    left = binary(Kind::logical_or, line, {}, std::move(left), expression_and());
  }
  return left;
}

Expression Parser::expression_and() {
  Expression left = expression_not();
  while (is_name("and")) {
    const int line = take().line;
    left = binary(Kind::logical_and, line, {}, std::move(left), expression_not());
  }
  return left;
}

Expression Parser::expression_not() {
  if (!is_name("not")) return comparison();
  const Level level(*this);
  const int line = take().line;
  return made(Kind::logical_not, line, {}, parts_of(expression_not()));
}

Expression Parser::comparison() {
  constexpr std::string_view kOperators[] = {"==", "!=", "<", "<=", ">", ">="};
  Expression first = sum();
  std::vector<Expression> parts;
  std::vector<std::string> operators;
  const int line = now().line;
  for (;;) {
    const bool symbol =
        now().kind == Token::Kind::symbol && std::ranges::find(kOperators, now().text) != std::end(kOperators);
    if (symbol) {
      operators.push_back(take().text);
    } else if (skip_name("in")) {
      operators.emplace_back("in");
    } else if (is_name("not") && then().kind == Token::Kind::name && then().text == "in") {
      take();
      take();
      operators.emplace_back("not in");
    } else {
      break;
    }
    if (parts.empty()) parts.push_back(std::move(first));
    parts.push_back(sum());
  }
  if (operators.empty()) return first;
  Expression out = made(Kind::comparison, line, {}, std::move(parts));
  out.names = std::move(operators);
  return out;
}

Expression Parser::sum() {
  Expression left = concatenation();
  while (is_symbol("+") || is_symbol("-")) {
    const Token token = take();
    left = binary(Kind::arithmetic, token.line, token.text, std::move(left), concatenation());
  }
  return left;
}

Expression Parser::concatenation() {
  Expression first = product();
  if (!is_symbol("~")) return first;
  const int line = now().line;
  std::vector<Expression> parts = parts_of(std::move(first));
  while (skip_symbol("~")) parts.push_back(product());
  return made(Kind::concat, line, {}, std::move(parts));
}

Expression Parser::product() {
  Expression left = power();
  while (is_symbol("*") || is_symbol("/") || is_symbol("//") || is_symbol("%")) {
    const Token token = take();
    left = binary(Kind::arithmetic, token.line, token.text, std::move(left), power());
  }
  return left;
}

Expression Parser::power() {
  Expression left = unary(true);
  while (is_symbol("**")) {
    const Token token = take();
    left = binary(Kind::arithmetic, token.line, token.text, std::move(left), unary(true));
  }
  return left;
}

Expression Parser::unary(bool with_filters) {
  const Level level(*this);
  Expression out;
  if (is_symbol("-") || is_symbol("+")) {
    const Token token = take();
    out = made(token.text == "-" ? Kind::negative : Kind::positive, token.line, {}, parts_of(unary(false)));
  } else {
    out = primary();
  }
  out = postfix(std::move(out));
  return with_filters ? filters(std::move(out)) : std::move(out);
}

Expression Parser::primary() {
  if (is_symbol("[")) return list();
  if (is_symbol("{")) return dict();
  if (is_symbol("(")) {
    take();
    Expression out = tuple(true, true);
    expect_symbol(")");
    return out;
  }
  return literal();
}

Expression Parser::literal() {
  const Token token = now();
  Expression out{.kind = Kind::literal, .line = token.line};
  switch (token.kind) {
    case Token::Kind::name:
      take();
      if (token.text == "true" || token.text == "True" || token.text == "false" || token.text == "False") {
        out.value = Value(token.text == "true" || token.text == "True");
      } else if (token.text == "none" || token.text == "None") {
        out.value = None{};
      } else {
        out.kind = Kind::name;
        out.name = token.text;
      }
      return out;
    case Token::Kind::string: {
      std::string text;
      while (now().kind == Token::Kind::string) text += take().text;
      out.text = std::make_unique<MarkedText>(std::move(text));
      out.value = out.text.get();
      return out;
    }
    case Token::Kind::integer:
      out.value = Value(take().integer);
      return out;
    case Token::Kind::real:
      out.value = Value(take().real);
      return out;
    default:
      unexpected("an expression");
  }
}

Expression Parser::list() {
  const int line = take().line;
  std::vector<Expression> items;
  while (!is_symbol("]")) {
    if (!items.empty()) expect_symbol(",");
    if (is_symbol("]")) break;
    items.push_back(expression());
  }
  take();
  return made(Kind::list, line, {}, std::move(items));
}

Expression Parser::dict() {
  const int line = take().line;
  std::vector<Expression> items;
  while (!is_symbol("}")) {
    if (!items.empty()) expect_symbol(",");
    if (is_symbol("}")) break;
    items.push_back(expression());
    expect_symbol(":");
    items.push_back(expression());
  }
  take();
  return made(Kind::dict, line, {}, std::move(items));
}

Expression Parser::tuple(bool with_conditions, bool in_parentheses) {
  const int line = now().line;
  const auto at_end = [&] {
    return now().kind == Token::Kind::tag_end || now().kind == Token::Kind::output_end || is_symbol(")") ||
           is_name("recursive") || is_name("in");
  };
  std::vector<Expression> items;
  bool is_tuple = false;
  for (;;) {
    if (at_end()) break;
    items.push_back(with_conditions ? expression() : expression_or());
    if (!skip_symbol(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && items.size() == 1) return std::move(items.front());
  if (!is_tuple && !in_parentheses) unexpected("an expression");
  return made(Kind::tuple, line, {}, std::move(items));
}

// ---- what follows an expression ----

Expression Parser::postfix(Expression out) {
  for (;;) {
    if (is_symbol(".") || is_symbol("[")) {
      out = subscript(std::move(out));
    } else if (is_symbol("(")) {
      Expression call = made(Kind::call, now().line, {}, parts_of(std::move(out)));
      call_arguments(call);
      out = std::move(call);
    } else {
      return out;
    }
  }
}

Expression Parser::filters(Expression out) {
  for (;;) {
    if (is_symbol("|")) {
      out = filter_chain(std::move(out));
    } else if (is_name("is")) {
      out = test(std::move(out));
    } else if (is_symbol("(")) {
      Expression call = made(Kind::call, now().line, {}, parts_of(std::move(out)));
      call_arguments(call);
      out = std::move(call);
    } else {
      return out;
    }
  }
}

Expression Parser::filter_chain(Expression input) {
  while (skip_symbol("|")) input = one_filter(std::move(input));
  return input;
}

Expression Parser::one_filter(Expression input) {
  const int line = now().line;
  Expression out = made(Kind::filter, line, expect_name(), parts_of(std::move(input)));
  if (is_symbol("(")) call_arguments(out);
  return out;
}

Expression Parser::test(Expression input) {
  take();
  const bool negated = skip_name("not");
  const int line = now().line;
  Expression out = made(Kind::test, line, expect_name(), parts_of(std::move(input)));
  const bool is_value = now().kind == Token::Kind::string || now().kind == Token::Kind::integer ||
                        now().kind == Token::Kind::real || is_symbol("[") || is_symbol("{") ||
                        (now().kind == Token::Kind::name && !is_name("else") && !is_name("or") && !is_name("and"));
  if (is_symbol("(")) {
    call_arguments(out);
  } else if (is_value) {
    if (is_name("is")) fail("a test follows a test");
    Expression argument = postfix(primary());
    out = made(Kind::test, line, out.name, parts_of(std::move(out.parts[0]), std::move(argument)));
  }
  return negated ? made(Kind::logical_not, line, {}, parts_of(std::move(out))) : std::move(out);
}

Expression Parser::subscript(Expression input) {
  const Token token = take();
  if (token.text == ".") {
    if (now().kind == Token::Kind::name)
      return made(Kind::attribute, token.line, take().text, parts_of(std::move(input)));
    if (now().kind != Token::Kind::integer) unexpected("a name");
    return binary(Kind::item, token.line, {}, std::move(input), literal());
  }
  Expression index = subscribed();
  if (is_symbol(",")) fail("several subscripts at once are not supported");
  expect_symbol("]");
  return binary(Kind::item, token.line, {}, std::move(input), std::move(index));
}

Expression Parser::subscribed() {
  const int line = now().line;
  std::vector<Expression> parts(3);
  if (!is_symbol(":")) {
    parts[0] = expression();
    if (!is_symbol(":")) return std::move(parts[0]);
  }
  for (std::size_t i = 1; i < 3 && skip_symbol(":"); ++i) {
    if (!is_symbol(":") && !is_symbol("]") && !is_symbol(",")) parts[i] = expression();
  }
  return made(Kind::slice, line, {}, std::move(parts));
}

// Adds them to the call's parts.
void Parser::call_arguments(Expression& call) {
  const Level level(*this);
  expect_symbol("(");
  bool first = true;
  while (!is_symbol(")")) {
    if (!std::exchange(first, false)) expect_symbol(",");
    if (is_symbol(")")) break;
    if (is_symbol("*") || is_symbol("**")) fail(fmt::format("{} before an argument is not supported", now().text));
    const bool named = now().kind == Token::Kind::name && then().kind == Token::Kind::symbol && then().text == "=";
    if (!named && !call.names.empty()) fail("an argument without a name follows one with a name");
    if (named) {
      call.names.push_back(take().text);
      take();
    }
    call.parts.push_back(expression());
    call.depth = std::max(call.depth, call.parts.back().depth + 1);
  }
  take();
  if (call.depth > kDeepest) fail("an expression nests too deep");
}

// ---- what is assigned to ----

Expression Parser::target_part(bool with_namespace) {
  const Level level(*this);
  if (is_symbol("(")) {
    take();
    Expression out = target(with_namespace);
    expect_symbol(")");
    return out;
  }
  const int line = now().line;
  Expression name{.kind = Kind::name, .line = line, .name = expect_name()};
  if (!with_namespace || !skip_symbol(".")) return name;
  return made(Kind::attribute, line, expect_name(), parts_of(std::move(name)));
}

Expression Parser::target(bool with_namespace) {
  const int line = now().line;
  std::vector<Expression> parts = parts_of(target_part(with_namespace));
  if (!is_symbol(",")) return std::move(parts.front());
  while (skip_symbol(",")) {
    if (now().kind != Token::Kind::name && !is_symbol("(")) break;
    if (is_name("in")) break;
    parts.push_back(target_part(with_namespace));
  }
  return made(Kind::tuple, line, {}, std::move(parts));
}

}  // namespace continuo::jinja
