#include "explain/panels.h"

namespace continuo::explain {

namespace {

constexpr Panel kPanels[] = {
    {"tokens", draw_tokens},
    {"embedding", draw_embedding, kNeighbours},
    {"positions", draw_positions},
    {"attention", draw_attention, kPass | kAttention},
    {"unmasked", draw_unmasked, kPass | kAttention | kUnmasked},
    {"memory", draw_memory, kPass | kMemory},
    {"stack", draw_stack, kPass},
    {"routing", draw_routing, kPass},
    {"lens", draw_lens, kPass | kLens},
    {"loops", draw_loops, kPass},
    {"exit", draw_exit, kPass | kLens | kPhases},
    {"attribution", draw_attribution, kPass | kAttribution},
    {"what-if", draw_what_if, kPass | kWhatIf},
    {"output", draw_output, kPass},
    {"text", draw_text, kPass | kOtherwise},
    {"tree", draw_tree, kPass | kTree},
    {"beside", draw_beside, kPass | kAttention},
    {"cost", draw_cost, kPhases | kCurve},
};

}  // namespace

std::span<const Panel> panels() { return kPanels; }

}  // namespace continuo::explain
