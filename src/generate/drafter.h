// Guesses at what comes next in a text, which are computed together with the token that is known: speculative decoding
// (Leviathan et al. 2023, arXiv:2211.17192). The text stays what it would be without them: a guess is kept only where it
// is the token that is drawn.
#pragma once

#include <cstddef>
#include <span>

#include "base/types.h"

namespace continuo {

// Of one text.
class Drafter {
 public:
  virtual ~Drafter() = default;

  // Whether it has a draft of what comes next, or can make one.
  virtual bool available() const = 0;
  // How likely its token i is right, if those before it are.
  virtual double probability(std::size_t i) const = 0;
  // Seconds that making n tokens takes, besides checking them.
  virtual double cost(std::size_t n) const = 0;
  // How many of n that were asked for there are.
  virtual std::size_t made(std::size_t n) const { return n; }
  // Its token i; `text` ends with those before it.
  virtual TokenId token(std::size_t i, std::span<const TokenId> text) const = 0;
  // The text has grown by tokens that were drawn: each tells how good the draft of it was, or would have been.
  virtual void observe(std::span<const TokenId> text) = 0;
  // Gives back memory that can be had again.
  virtual void give_back_memory() {}
};

}  // namespace continuo
