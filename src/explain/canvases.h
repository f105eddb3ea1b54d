// The canvases: each draws every kind of figure.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "explain/panels.h"

namespace continuo::explain {

// ---- terminal.cpp ----
struct Terminal {
  bool colour = false;
  std::size_t columns = 80;
};
// What stands above all views: which model reads what, and which part of it is drawn.
std::string draw_terminal_head(const View& view, const Terminal& terminal);
std::string draw_terminal(const Panel& panel, const View& view, const Terminal& terminal);

// ---- html.cpp: one page that needs nothing else ----
struct Page {
  std::string_view version;  // of the program, for the foot
};
std::string draw_page(std::span<const Panel> panels, const View& view, const Page& page);
// The same figures as the page's script reads them.
nlohmann::ordered_json page_data(std::span<const Panel> panels, const View& view, const Page& page);

// ---- svg.cpp: each figure that is a picture as a file of its own: (file name, contents) ----
std::vector<std::pair<std::string, std::string>> draw_svgs(std::span<const Panel> panels, const View& view);

// ---- json.cpp: every number (JSON.md says which), the vectors of one head ----
nlohmann::ordered_json recording_json(const Recording& recording, std::size_t layer, std::size_t head);

// ---- npy.cpp: NumPy's format, version 1.0, little-endian float32, C order ----
std::string npy(const Grid& grid);

}  // namespace continuo::explain
