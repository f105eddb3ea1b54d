// When a token stops going through the loop of a network (LoopSpec), before its last loop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "model/spec.h"

namespace continuo {

// After each loop but the first, in terms of what the network would say if this loop were the last:
//   kl      KL(p || p of the loop before) < limit, in nats
//   latent  |x - x of the loop before| / |x| < limit, x: the residual stream
//   stable  the best token is that of the loop before
// and after the first loop as well:
//   gate    1 - product of all (1 - lambda) >= limit (LoopSpec::gate)
struct ExitRule {
  enum class Kind : std::uint8_t { none, kl, latent, stable, gate } kind = Kind::none;
  float limit = 0;  // gate: 0 is the file's threshold
  bool operator==(const ExitRule&) const = default;
  explicit operator bool() const { return kind != Kind::none; }
  // Whether it looks at the next token's distribution.
  bool needs_logits() const { return kind == Kind::kl || kind == Kind::stable; }
};

// "kl<0.01", "latent<0.03", "stable", "gate", "gate>0.9"; "none". An error names `field`.
Result<ExitRule> parse_exit_rule(std::string_view field, std::string_view text);
std::string exit_rule_text(const ExitRule& rule);

// What can be said against so many loops (0: the network's own) and this rule. Errors name the fields loops and
// exit_when.
Result<void> check_loops(const ModelSpec& spec, std::size_t loops, const ExitRule& rule);

}  // namespace continuo
