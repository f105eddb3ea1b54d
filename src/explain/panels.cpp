#include "explain/panels.h"

namespace continuo::explain {

namespace {

constexpr Panel kPanels[] = {
    {"tokens", draw_tokens},       {"embedding", draw_embedding}, {"positions", draw_positions},
    {"attention", draw_attention}, {"memory", draw_memory},       {"stack", draw_stack},
    {"lens", draw_lens},           {"output", draw_output},       {"text", draw_text},
    {"cost", draw_cost},
};

}  // namespace

std::span<const Panel> panels() { return kPanels; }

}  // namespace continuo::explain
