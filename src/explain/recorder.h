// The listener that fills a Recording's layers, as far as the recording's `parts` ask for them.
#pragma once

#include "explain/loop_record.h"
#include "explain/recording.h"
#include "layers/probe.h"

namespace continuo::explain {

class Recorder : public Listener {
 public:
  // The pass that it watches runs the rows [recording.from, recording.to) of the text through `spec`.
  Recorder(const ModelSpec& spec, Recording& recording) : spec_(spec), out_(recording), visits_(layer_visits(spec)) {}

  void started() override;
  void embedded(RowsView x) override;
  void looked_back(std::size_t layer, const AttentionView& view) override;
  void gathered(std::size_t layer, RowsView results) override;
  bool watches_scans() const override { return (out_.parts & kMemory) != 0; }
  void scanned(std::size_t layer, const RecurrenceView* view) override;
  void mixed(std::size_t layer, RowsView part) override;
  void activated(std::size_t layer, RowsView hidden) override;
  void routed(std::size_t layer, const Routing& routing) override;
  void fed(std::size_t layer, RowsView part) override;
  void passed(std::size_t layer, RowsView x) override;
  void finished(std::span<const float> logits) override;
  bool watches_loops() const override { return true; }
  void looped(std::size_t loop, std::span<const float> logits, RowsView x, std::span<const float> lambdas) override;

 private:
  const ModelSpec& spec_;
  Recording& out_;
  std::vector<LayerVisit> visits_;  // what layers are counted by
  LoopReader loop_reader_;
};

// Neurons that are kept a row.
inline constexpr std::size_t kNeurons = 5;

}  // namespace continuo::explain
