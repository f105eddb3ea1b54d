// Networks that go through layers more than once (LoopSpec): the passes of a step, and when a token's loop ends.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "layers/step.h"
#include "model/exit_rule.h"

namespace continuo {

// What passes are made of: the rest of the forward pass, for those who do not know the kinds of layers.
class PassParts {
 public:
  virtual ~PassParts() = default;
  // From now on a step's rows are those of these segments.
  virtual void lay_out(std::span<const Segment> segments) = 0;
  // Sends the rows through a layer.
  virtual void layer(const LayerVisit& visit, Rows x) = 0;
  // The logits of the rows that their segments want, as if x were behind the last layer.
  virtual std::span<const float> logits(Rows x) = 0;
  // What layers do is told to nobody, or again to whoever listens.
  virtual void listen(bool) {}
  // Whether it wants to know what the network would say after each loop, and hears of it: logits as above, the rows,
  // and lambda of each row (empty where there is no gate).
  virtual bool watches_loops() const { return false; }
  virtual void looped(std::size_t /*loop*/, std::span<const float> /*logits*/, Rows /*x*/,
                      std::span<const float> /*lambdas*/) {}
};

class Passes {
 public:
  // Sends the rows of `segments`, whose layout is the step's, through all passes; x holds their embeddings, and is what
  // the output takes afterwards. A segment with an exit rule is one row.
  void run(Step& step, const Model& model, std::span<const Segment> segments, Rows x, PassParts& parts);
  // Loops that each segment's rows went through, in the last run.
  std::span<const std::size_t> loops() const { return loops_; }

 private:
  // A segment that is still in the loop.
  struct Active {
    std::size_t segment, first_row;  // first_row: in the whole step
    std::size_t most_loops;
    double survival = 1;             // product of all (1 - lambda)
    std::vector<float> before = {};  // the logits or the row of the loop before; empty before the second
  };
  struct Run {
    Step& step;
    const Model& model;
    const LoopSpec& spec;
    std::span<const Segment> all;
    PassParts& parts;
    Rows x;
  };

  void start(const Run& run);
  void pass(const Run& run, const Pass& pass, std::size_t slot, Rows x);
  std::size_t passes(const Run& run, const std::vector<Pass>& passes, std::size_t slot, Rows x);
  void join_map(const Run& run, const Pass& pass, Rows x);
  // lambda of each row of x.
  std::vector<float> lambdas(const Run& run, Rows x, std::size_t rows);
  void tell(const Run& run, std::size_t loop, std::size_t slot_after);
  // Which active segments end here, for each whether.
  std::vector<unsigned char> ending(const Run& run, std::size_t loop, std::size_t slot_after);
  bool ends(const Run& run, Active& active, std::size_t loop, std::span<const float> seen, float lambda);
  void copy_to_later_loops(const Run& run, const Active& active, std::size_t loop, std::size_t slot, std::size_t n);
  void leave(const Run& run, const std::vector<unsigned char>& ends, std::size_t loop);
  void lay_out_active(const Run& run);

  std::vector<std::size_t> loops_;
  std::vector<Active> active_;
  std::vector<Segment> segments_;  // of the active ones, or of some of them
  std::vector<Buffer> kept_;
  Buffer done_, tested_, joined_, normal_, gate_;
};

}  // namespace continuo
