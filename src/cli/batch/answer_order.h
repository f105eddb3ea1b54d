// Lets lines out in the order of their requests, or as they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace continuo {

class AnswerOrder {
 public:
  enum class Kind {
    input,         // a request's lines follow those of the requests before it
    any,           // as they come, lines of several requests mixed
    any_unbroken,  // a request's lines stand together, and come when all are there
  };
  // `first`: the request whose turn it is at the beginning.
  AnswerOrder(Kind kind, std::uint64_t first) : kind_(kind), turn_(first) {}

  // More lines of request `order`; `last` if these are all. What may be written now is appended to `out`.
  void push(std::uint64_t order, std::string_view lines, bool last, std::string& out) {
    if (kind_ == Kind::any || (kind_ == Kind::input && order == turn_)) {
      out += lines;
      if (last) next_turn(out);
      return;
    }
    Held& held = held_[order];
    held.lines += lines;
    held.complete = last;
    held_bytes_ += lines.size();
    if (last && kind_ == Kind::any_unbroken) let_out(held_.find(order), out);
  }

  // Bytes that wait for their turn.
  std::size_t held_bytes() const { return held_bytes_; }
  // How many requests there are from the one whose turn it is to before `order`.
  std::uint64_t ahead(std::uint64_t order) const { return kind_ == Kind::input && order > turn_ ? order - turn_ : 0; }

 private:
  struct Held {
    std::string lines;
    bool complete = false;
  };

  void let_out(std::map<std::uint64_t, Held>::iterator at, std::string& out) {
    out += at->second.lines;
    held_bytes_ -= at->second.lines.size();
    held_.erase(at);
  }

  // What the requests that are complete hold goes out, and what the one after them has so far.
  void next_turn(std::string& out) {
    bool complete = true;
    while (complete) {
      ++turn_;
      const auto at = held_.find(turn_);
      if (at == held_.end()) return;
      complete = at->second.complete;
      let_out(at, out);
    }
  }

  Kind kind_;
  std::uint64_t turn_;
  std::map<std::uint64_t, Held> held_;  // by order
  std::size_t held_bytes_ = 0;
};

}  // namespace continuo
