// The panels, in the lecture's order: one file in panels/ and one row in panels.cpp each. "NAME.title" and
// "NAME.sentence" are in the table of words.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "explain/figures.h"
#include "explain/words.h"

namespace continuo::explain {

// What a panel draws from.
struct View {
  const Recording& recording;
  const Words& words;
  std::size_t layer = 0, head = 0;  // the head that is drawn large
};

struct Panel {
  std::string_view name;
  std::vector<Figure> (*draw)(const View& view);
  unsigned parts = 0;  // what it needs, of Part
};

std::span<const Panel> panels();

// How much each token surprised the model.
Bars surprisal_bars(const View& view, std::string caption);

std::vector<Figure> draw_tokens(const View& view);
std::vector<Figure> draw_embedding(const View& view);
std::vector<Figure> draw_positions(const View& view);
std::vector<Figure> draw_attention(const View& view);
std::vector<Figure> draw_memory(const View& view);
std::vector<Figure> draw_unmasked(const View& view);
std::vector<Figure> draw_stack(const View& view);
std::vector<Figure> draw_routing(const View& view);
std::vector<Figure> draw_lens(const View& view);
std::vector<Figure> draw_loops(const View& view);
std::vector<Figure> draw_exit(const View& view);
std::vector<Figure> draw_attribution(const View& view);
std::vector<Figure> draw_what_if(const View& view);
std::vector<Figure> draw_output(const View& view);
std::vector<Figure> draw_text(const View& view);
std::vector<Figure> draw_tree(const View& view);
std::vector<Figure> draw_beside(const View& view);
std::vector<Figure> draw_cost(const View& view);

}  // namespace continuo::explain
