#include "grammar/schema_writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace continuo {

Result<RuleId> SchemaWriter::write() {
  CONTINUO_TRY(const NodeId root, rule({{SchemaDocument::kRoot}}));
  const RuleId whole = syntax_.new_rule("#");
  syntax_.set_rule(whole, root);
  while (!waiting_.empty()) {
    const auto [schemas, id] = waiting_.back();
    waiting_.pop_back();
    writing_ = schemas;
    CONTINUO_TRY(const NodeId made, body(schemas));
    if (syntax_.full()) return document_.wrong(schemas.front().id, "is where it becomes too large");
    syntax_.set_rule(id, made);
  }
  return whole;
}

Error SchemaWriter::at(const Conjunction& schemas, const Error& error) const {
  return document_.wrong(schemas.empty() ? SchemaDocument::kRoot : schemas.front().id,
                         fmt::format("has something that {}", error.what));
}

Result<NodeId> SchemaWriter::rule(const Conjunction& schemas) {
  CONTINUO_TRY(const Conjunction key, shapes_.simplified(schemas));
  if (key.empty()) return values_.any();
  if (shapes_.is_false(key)) return syntax_.never();
  const auto [known, is_new] = rules_.try_emplace(key, 0);
  if (is_new) {
    known->second = syntax_.new_rule(document_.path(key.front().id));
    waiting_.emplace_back(key, known->second);
  }
  return syntax_.rule(known->second);
}

Result<NodeId> SchemaWriter::body(const Conjunction& schemas) {
  std::vector<NodeId> choices;
  if (schemas.size() == 1 && !schemas.front().negated) {
    CONTINUO_TRY(const auto branches, shapes_.branches(schemas.front().id));
    if (branches) {
      for (const SchemaId branch : *branches) {
        CONTINUO_TRY(const NodeId choice, rule({{branch}}));
        choices.push_back(choice);
      }
      return syntax_.alt(choices);
    }
  }
  CONTINUO_TRY(const Shape* const shape, shapes_.shape(schemas));
  if (shape->null) choices.push_back(values_.null());
  if (shape->yes) choices.push_back(syntax_.literal("true"));
  if (shape->no) choices.push_back(syntax_.literal("false"));
  const auto add = [&](Result<NodeId> made) -> Result<void> {
    if (!made) return made.error();
    choices.push_back(*made);
    return {};
  };
  for (const NumberShape& one : shape->numbers) CONTINUO_TRY_VOID(add(number(one)));
  for (const StringShape& one : shape->strings) {
    auto made = strings_.string(one);
    if (!made) return at(schemas, made.error());
    choices.push_back(*made);
  }
  for (const ArrayShape& one : shape->arrays) CONTINUO_TRY_VOID(add(array(one)));
  for (const ObjectShape& one : shape->objects) CONTINUO_TRY_VOID(add(object(one)));
  return syntax_.alt(choices);
}

// ---- numbers ----

Result<NodeId> SchemaWriter::number(const NumberShape& shape) {
  JsonNumbers numbers(syntax_);
  const bool whole = shape.kind == NumberShape::Kind::whole;
  const bool plain = shape.kind != NumberShape::Kind::fractions && shape.multiples.empty() &&
                     shape.non_multiples.empty() && !shape.values && shape.excluded.empty();
  RegularSets sets;
  if (whole) {
    std::optional<Decimal> least, most;
    if (shape.least) {
      least = shape.least->value.ceil();
      if (shape.least->exclusive && *least == shape.least->value) least = least->plus_one();
    }
    if (shape.most) {
      most = shape.most->value.floor();
      if (shape.most->exclusive && *most == shape.most->value) most = most->minus_one();
    }
    if (least && most && *least > *most) return syntax_.never();
    sets.all_of.push_back(numbers.whole(least, most));
  } else {
    sets.all_of.push_back(numbers.between(shape.least, shape.most, plain));
  }
  if (plain) return sets.all_of.front();
  if (shape.kind == NumberShape::Kind::fractions) sets.all_of.push_back(numbers.fractions());
  if (shape.values) {
    std::vector<NodeId> choices;
    for (const Decimal& value : *shape.values) choices.push_back(syntax_.literal(value.text()));
    sets.all_of.push_back(syntax_.alt(choices));
  }
  for (const Decimal& value : shape.excluded) sets.none_of.push_back(numbers.spellings(value, false));
  for (const auto& [steps, list] :
       {std::pair(&shape.multiples, &sets.all_of), std::pair(&shape.non_multiples, &sets.none_of)}) {
    for (const Decimal& step : *steps) {
      const auto made = numbers.multiples(step, whole);
      if (!made)
        return document_.unsupported(writing_.empty() ? SchemaDocument::kRoot : writing_.front().id,
                                     fmt::format("the keyword \"multipleOf\" of {}", step.text()));
      list->push_back(*made);
    }
  }
  auto made = combine(syntax_, sets, strings_.budget());
  if (!made) return at(writing_, made.error());
  return *made ? **made : syntax_.never();
}

// ---- arrays ----

Result<NodeId> SchemaWriter::array(const ArrayShape& shape) {
  if (shape.least > shape.most) return syntax_.never();
  if (shape.unique && shape.most > 1) return unique_values(shape);
  CONTINUO_TRY(const NodeId inner, shape.contains.empty() ? elements(shape) : elements_with(shape));
  return syntax_.seq({values_.open('['), inner, values_.close(']')});
}

// Where the elements are of a few values: as members of an object, each is there at most once.
Result<NodeId> SchemaWriter::unique_values(const ArrayShape& shape) {
  constexpr std::size_t kMost = 1000;
  const Error refused = document_.unsupported(writing_.empty() ? SchemaDocument::kRoot : writing_.front().id,
                                              "the keyword \"uniqueItems\" of elements that are not listed");
  if (!shape.prefix.empty() || !shape.contains.empty() || shape.rest.empty()) return refused;
  CONTINUO_TRY(const Shape* const element, shapes_.shape(shape.rest));
  std::set<std::string> texts;
  if (element->null) texts.insert("null");
  if (element->yes) texts.insert("true");
  if (element->no) texts.insert("false");
  for (const NumberShape& number : element->numbers) {
    if (!number.values) return refused;
    for (const Decimal& value : *number.values) texts.insert(value.text());
  }
  for (const StringShape& string : element->strings) {
    if (!string.values || !string.patterns.empty() || !string.not_patterns.empty() || !string.formats.empty())
      return refused;
    for (const std::string& value : *string.values) {
      const auto n = std::count_if(value.begin(), value.end(), [](char c) { return (c & 0xc0) != 0x80; });
      const bool fits = n >= string.least && n <= string.most && string.excluded.count(value) == 0;
      if (fits) texts.insert(Json(value).dump(-1, ' ', false, Json::error_handler_t::replace));
    }
  }
  if (!element->arrays.empty() || !element->objects.empty() || texts.size() > kMost) return refused;
  ObjectSyntax list{.members = {}, .others = {}, .least = shape.least, .most = shape.most};
  list.open = values_.open('['), list.comma = values_.comma(), list.close = values_.close(']');
  for (const std::string& text : texts) list.members.push_back({syntax_.literal(text), false});
  return syntax_.object(std::move(list));
}

// From `least` to `most` elements: first those of `prefix`, then others.
Result<NodeId> SchemaWriter::elements(const ArrayShape& shape) {
  const auto less = [](std::uint32_t count, std::uint32_t by) {
    return count == kUnbounded ? kUnbounded : count - std::min(count, by);
  };
  const auto n = static_cast<std::uint32_t>(std::min<std::size_t>(shape.prefix.size(), shape.most));
  if (shape.most == 0) return syntax_.empty();
  CONTINUO_TRY(const NodeId other, shape.most > n ? rule(shape.rest) : Result<NodeId>(syntax_.never()));
  const NodeId further = syntax_.seq({values_.comma(), other});
  if (n == 0) {
    const NodeId some = syntax_.seq({other, syntax_.repeat(further, less(shape.least, 1), less(shape.most, 1))});
    return shape.least == 0 ? syntax_.optional(some) : some;
  }
  NodeId tail = shape.most > n ? syntax_.repeat(further, less(shape.least, n), less(shape.most, n)) : syntax_.empty();
  for (std::uint32_t i = n; i > 0; --i) {
    CONTINUO_TRY(const NodeId own, rule(shape.prefix[i - 1]));
    const NodeId element = i > 1 ? syntax_.seq({values_.comma(), own, tail}) : syntax_.seq({own, tail});
    tail = i > shape.least ? syntax_.optional(element) : element;
  }
  return tail;
}

// One of them is of a schema that the array contains: from the end on, what may stand behind i elements if that one was
// there, and if it was not.
Result<NodeId> SchemaWriter::elements_with(const ArrayShape& shape) {
  const auto refused = [&](std::string_view what) {
    return document_.unsupported(writing_.empty() ? SchemaDocument::kRoot : writing_.front().id, what);
  };
  constexpr std::uint32_t kMostCounted = 200;
  if (shape.contains.size() > 1) return refused("several \"contains\" that hold together");
  const auto with = [&](Conjunction schemas) {
    schemas.insert(schemas.end(), shape.contains.front().begin(), shape.contains.front().end());
    std::sort(schemas.begin(), schemas.end());
    schemas.erase(std::unique(schemas.begin(), schemas.end()), schemas.end());
    return schemas;
  };
  const auto counted = static_cast<std::uint32_t>(shape.prefix.size());
  const std::uint32_t last = shape.most != kUnbounded ? shape.most : std::max(counted, shape.least);
  if (last > kMostCounted) return refused("a \"contains\" beside large numbers of items");
  const NodeId comma = values_.comma();
  CONTINUO_TRY(const NodeId other, rule(shape.rest));
  CONTINUO_TRY(const NodeId wanted, rule(with(shape.rest)));
  NodeId found, open;  // behind `last` elements
  if (shape.most != kUnbounded) {
    found = syntax_.empty(), open = syntax_.never();
  } else {
    const NodeId further = syntax_.repeat(syntax_.seq({comma, other}), 0, kUnbounded);
    found = further;
    open = last == 0
               ? syntax_.alt({syntax_.seq({other, further, comma, wanted, further}), syntax_.seq({wanted, further})})
               : syntax_.seq({further, comma, wanted, further});
    if (last == 0) return open;
  }
  for (std::uint32_t i = last; i > 0; --i) {
    const Conjunction& own = i <= counted ? shape.prefix[i - 1] : shape.rest;
    CONTINUO_TRY(const NodeId any, rule(own));
    CONTINUO_TRY(const NodeId hit, rule(with(own)));
    const NodeId before = i > 1 ? comma : syntax_.empty();
    const NodeId next_found = syntax_.seq({before, any, found});
    open = syntax_.alt({syntax_.seq({before, hit, found}), syntax_.seq({before, any, open})});
    found = i > shape.least ? syntax_.optional(next_found) : next_found;
  }
  return open;
}

// ---- objects ----

Result<NodeId> SchemaWriter::object(const ObjectShape& shape) {
  if (shape.least > shape.most) return syntax_.never();
  ObjectSyntax object{.members = {}, .others = {}, .least = shape.least, .most = shape.most};
  object.open = values_.open('{'), object.comma = values_.comma(), object.close = values_.close('}');
  std::set<std::string> all = shape.required;
  for (const auto& members : shape.members) {
    for (const auto& [name, schemas] : members->properties) all.insert(name);
  }
  for (const std::string& name : all) {
    const bool required = shape.required.count(name) > 0;
    CONTINUO_TRY(const Conjunction schemas, shapes_.member(shape, name));
    CONTINUO_TRY(const bool fits, shapes_.takes_name(shape.names, name));
    if (!fits || shapes_.is_false(schemas)) {
      if (required) return syntax_.never();
      continue;
    }
    CONTINUO_TRY(const NodeId value, rule(schemas));
    object.members.push_back({syntax_.seq({values_.key(name), value}), required});
  }
  CONTINUO_TRY_VOID(add_others(shape, {all.begin(), all.end()}, object));
  const std::size_t sure = object.members.size() + !object.others.empty();
  if (shape.least > sure) {
    if (object.others.empty()) return syntax_.never();
    return document_.unsupported(writing_.empty() ? SchemaDocument::kRoot : writing_.front().id,
                                 "a minProperties above the number of members that it names");
  }
  return syntax_.object(std::move(object));
}

// Members that no schema names: for each choice of patterns, the names that match these and no others.
Result<void> SchemaWriter::add_others(const ObjectShape& shape, const std::vector<std::string>& names,
                                      ObjectSyntax& object) {
  std::vector<std::string> patterns;
  for (const auto& members : shape.members) {
    for (const auto& [pattern, schemas] : members->patterns) patterns.push_back(pattern);
  }
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  constexpr std::size_t kMostPatterns = 8;
  if (patterns.size() > kMostPatterns)
    return document_.unsupported(writing_.empty() ? SchemaDocument::kRoot : writing_.front().id,
                                 fmt::format("patternProperties of more than {} patterns", kMostPatterns));
  std::vector<StringShape> of_names = {{}};
  if (!shape.names.empty()) {
    CONTINUO_TRY(const Shape* const names_shape, shapes_.shape(shape.names));
    of_names = names_shape->strings;
  }
  std::optional<NodeId> base;
  for (std::uint32_t choice = 0; choice < 1u << patterns.size(); ++choice) {
    std::vector<std::string> matched, unmatched;
    for (std::size_t i = 0; i < patterns.size(); ++i) (choice >> i & 1 ? matched : unmatched).push_back(patterns[i]);
    Conjunction schemas;
    for (const auto& members : shape.members) {
      bool any = false;
      for (const auto& [pattern, own] : members->patterns) {
        if (!std::binary_search(matched.begin(), matched.end(), pattern)) continue;
        any = true;
        schemas.insert(schemas.end(), own.begin(), own.end());
      }
      if (!any) schemas.insert(schemas.end(), members->additional.begin(), members->additional.end());
    }
    std::sort(schemas.begin(), schemas.end());
    schemas.erase(std::unique(schemas.begin(), schemas.end()), schemas.end());
    if (shapes_.is_false(schemas)) continue;
    if (!base) base = values_.other_name(names);
    auto name = strings_.names(*base, of_names, matched, unmatched);
    if (!name) return at(writing_, name.error());
    if (!*name) continue;
    CONTINUO_TRY(const NodeId value, rule(schemas));
    const NodeId quote = syntax_.byte('"');
    object.others.push_back(syntax_.seq({quote, **name, quote, syntax_.byte(':'), values_.blanks(), value}));
  }
  return {};
}

}  // namespace continuo
