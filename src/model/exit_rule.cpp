#include "model/exit_rule.h"

#include <fmt/format.h>

#include <array>

#include "base/numbers.h"

namespace continuo {

namespace {

constexpr std::string_view kExpected = "kl<NUMBER, latent<NUMBER, stable, gate, gate>NUMBER or none";

struct Name {
  std::string_view name;
  ExitRule::Kind kind;
};
constexpr std::array<Name, 5> kNames = {{{"none", ExitRule::Kind::none},
                                         {"kl", ExitRule::Kind::kl},
                                         {"latent", ExitRule::Kind::latent},
                                         {"stable", ExitRule::Kind::stable},
                                         {"gate", ExitRule::Kind::gate}}};

bool takes_limit(ExitRule::Kind kind) {
  return kind == ExitRule::Kind::kl || kind == ExitRule::Kind::latent || kind == ExitRule::Kind::gate;
}
bool needs_limit(ExitRule::Kind kind) { return kind == ExitRule::Kind::kl || kind == ExitRule::Kind::latent; }

// Times that layers are gone through for a token, at the most: each has keys and values of its own.
constexpr std::size_t kMostVisits = 1 << 16;

std::size_t visits(const std::vector<Pass>& passes) {
  std::size_t n = 0;
  for (const Pass& pass : passes) n += pass.layers.size();
  return n;
}

}  // namespace

Result<ExitRule> parse_exit_rule(std::string_view field, std::string_view text) {
  const auto wrong = [&] {
    return field_error(field, fmt::format("is '{}', expected {}", text.substr(0, 60), kExpected));
  };
  const std::size_t sign = text.find_first_of("<>");
  const std::string_view name = text.substr(0, sign);
  for (const Name& known : kNames) {
    if (known.name != name) continue;
    ExitRule rule{.kind = known.kind};
    if (sign == text.npos) return needs_limit(rule.kind) ? Result<ExitRule>(wrong()) : Result<ExitRule>(rule);
    const bool above = rule.kind == ExitRule::Kind::gate;
    if (!takes_limit(rule.kind) || text[sign] != (above ? '>' : '<')) return wrong();
    const auto limit = parse_number<float>(text.substr(sign + 1), field, kExpected);
    if (!limit || !(*limit > 0) || (above && *limit > 1)) return wrong();
    rule.limit = *limit;
    return rule;
  }
  return wrong();
}

std::string exit_rule_text(const ExitRule& rule) {
  for (const Name& known : kNames) {
    if (known.kind != rule.kind) continue;
    if (rule.limit == 0) return std::string(known.name);
    return fmt::format("{}{}{}", known.name, rule.kind == ExitRule::Kind::gate ? '>' : '<', rule.limit);
  }
  return "";
}

Result<void> check_loops(const ModelSpec& spec, std::size_t loops, const ExitRule& rule) {
  if (!spec.loop && loops > 0) {
    return field_error("loops", fmt::format("is {}, but {} goes through its layers once", loops, spec.family));
  }
  if (loops > kMaxLoops) return field_error("loops", fmt::format("is {}, expected 1 to {}", loops, kMaxLoops));
  if (spec.loop) {
    const LoopSpec& loop = *spec.loop;
    const std::size_t wanted = loops > 0 ? loops : loop.loops;
    if (visits(loop.before) + visits(loop.after) + wanted * visits(loop.first) > kMostVisits) {
      return field_error("loops", fmt::format("is {}, and layers would be gone through more than {} times a token",
                                              wanted, kMostVisits));
    }
  }
  if (!rule) return {};
  if (!spec.loop) {
    return field_error("exit_when", fmt::format("is given, but {} goes through its layers once", spec.family));
  }
  if (rule.kind == ExitRule::Kind::gate && !spec.loop->gate) {
    return field_error("exit_when", fmt::format("is gate, but {} has no gate that says when to stop", spec.family),
                       "kl<0.01, latent<0.03 or stable will do");
  }
  return {};
}

}  // namespace continuo
