// Which tokens of which sequences a step computes: continuous batching (Yu et al. 2022, "Orca", OSDI) under a
// budget of tokens and of memory. Sequences join and leave at any step. None of it changes what a sequence
// computes.
//
//   - Running sequences come first, the oldest before the others: a token each that goes on, a piece of its
//   prompt
//     each that has not read it. Then waiting ones join in their order.
//   - What is known of a beginning (state/prefix_tree.h) is not computed again; a sequence whose beginning
//   another
//     is about to compute waits for that.
//   - Memory is pages of one pool. When there are too few, beginnings that nobody uses are forgotten, then
//   the
//     youngest running sequence gives its pages back and waits again: it computes them once more, to the same
//     bits. The oldest never does, and any sequence fits alone, so all end.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <cstdint>
#include <span>
#include <vector>

#include "generate/sequence.h"
#include "state/page_pool.h"
#include "state/prefix_tree.h"
#include "state/saved_state.h"

namespace continuo {

struct SchedulerOptions {
  std::size_t max_running = 32;
  std::size_t step_tokens = 512;
  std::size_t step_logits = 512;  // rows of logits
  bool share_prefixes = true;
  // Pages that sequences side by side and kept beginnings take together; one that needs more runs alone, up to the
  // pool's own limit.
  std::size_t soft_pages = SIZE_MAX;
};

struct Planned {
  Sequence* sequence;
  std::size_t tokens;  // at least 1: of sequence->next_tokens()
};

class Scheduler {
 public:
  // `spec` and `pools` outlive it, and all its sequences have their memory from `pools`.
  Scheduler(const ModelSpec& spec, StatePools& pools, SchedulerOptions options);

  // Whether a sequence of that many tokens can ever run, with so many loops (0: the network's own number).
  bool fits(std::size_t tokens, std::size_t loops = 0) const;
  // Returns its number, which no other has.
  std::uint64_t add(std::unique_ptr<Sequence> sequence);
  // Between two steps: ends the sequence as it is, which the next retire() takes out. Without effect if it is
  // out.
  void cancel(std::uint64_t number);
  std::size_t unfinished() const { return running_.size() + waiting_.size() + finished_.size(); }

  // Makes a beginning known that was computed before, for sequences that use `adapter`: as much of it as there is memory
  // for.
  void adopt(const SavedState& beginning, std::size_t adapter);
  // The longest text whose positions do not depend on its length: beginnings of longer ones are not shared.
  std::size_t longest_shared() const;

  // The rows of the next step, with room for them. Empty only if nothing has to run.
  std::span<const Planned> next();
  // After the step: keeps what others may share and takes the finished ones out.
  std::vector<std::unique_ptr<Sequence>> retire();
  // Takes all out.
  std::vector<std::unique_ptr<Sequence>> clear();

  // ---- for those who watch ----
  struct Counts {
    std::size_t computed = 0, shared = 0;  // tokens
    std::size_t preempted = 0;             // times that a sequence gave its memory back
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Running {
    std::unique_ptr<Sequence> sequence;
    // Of its whole pages that the tree knows; pinned; null: nothing is shared.
    PrefixTree::Node* node = nullptr;
    std::size_t known_pages = 0;  // up to `node`
    bool prompt_known = false;
  };
  struct Left {  // of the budget
    std::size_t tokens, logits;
  };
  enum class Admission { joins, waits, no_memory };

  static std::size_t affordable(const Sequence& sequence, const Left& left);
  void plan(Sequence& sequence, std::size_t tokens, Left& left);
  void plan_running(Left& left);
  void admit_waiting(Left& left);
  Admission admit(Sequence& sequence, Running& running);
  PrefixTree::Found known_beginning(const Sequence& sequence, bool with_partial);
  bool begin(Sequence& sequence, Running& running, bool with_partial);
  bool about_to_be_computed(const Sequence& sequence, std::size_t known) const;
  bool make_room(StateNeeds needs, PrefixTree::Node* joining = nullptr);
  std::size_t up_to_branch(const Sequence& sequence, std::size_t tokens) const;
  bool strip_running();
  bool use_all_pages();
  void back_to_soft_limit();
  void preempt_youngest();
  void remember(Running& running);
  void unpin(Running& running);
  TextKind kind(const Sequence& sequence) const;

  const ModelSpec& spec_;
  StatePools& pools_;
  SchedulerOptions options_;
  std::size_t longest_shared_ = 0;
  std::size_t most_pages_ = 0;  // of the pool, whatever its limit is now
  PrefixTree tree_;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<Running> running_;                     // the oldest first
  std::vector<std::unique_ptr<Sequence>> finished_;  // that do not run: they never had to, or were cancelled
  std::uint64_t added_ = 0;                          // sequences
  std::vector<Planned> plan_;
  Counts counts_;
};

}  // namespace continuo
