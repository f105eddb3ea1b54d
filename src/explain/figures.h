// What panels are made of: figures, as data. Every canvas (terminal, SVG, HTML page) draws each kind of
// figure once, and so draws every panel.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "explain/recording.h"

namespace continuo::explain {

struct Paragraph {
  std::string text;
  enum class Kind : unsigned char {
    plain,
    finding,
    absent
  } kind = Kind::plain;  // absent: why a panel has nothing to show
};

// The tokens in a row, each with facts to be told on demand.
struct Strip {
  struct Token {
    std::string label;  // visible(text)
    TokenId id = 0;
    bool special = false, generated = false;
    std::vector<std::pair<std::string, std::string>> facts;
  };
  std::size_t first = 0;  // position of the first
  std::vector<Token> tokens;
};

struct Table {
  std::string caption;
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  std::vector<bool> numeric;  // per column: set to the right
  // Which position of the text a row is about; empty where it is about none.
  std::vector<std::size_t> positions;
};

struct Bars {
  struct Bar {
    std::string label;
    double value = 0;
    std::string shown;  // the value as written beside the bar
    std::string note;   // more, on demand
    bool marked = false;
  };
  std::string caption;
  std::vector<Bar> bars;     // of either sign
  bool by_position = false;  // bar i is about row i of the window
};

// A matrix of numbers as colours.
struct Heatmap {
  std::string caption, row_title, col_title;
  std::vector<std::string> row_labels, col_labels;
  Grid values;
  // Colours from 0 (or the least) to the largest; from -largest over 0 to it; of the logarithm, from the least value above
  // 0, where a few values would leave all others blank; of the square root of shares from 0 to 1; or, of either sign, of
  // the root of the share of the largest.
  enum class Scale : unsigned char { plain, diverging, logarithmic, root, signed_root } scale = Scale::plain;
  // Where the colour of a value lies between none and full, from -1 to 1; `extremes`: of all values.
  struct Extremes {
    double largest = 0, least_positive = 0;
  };
  Extremes extremes() const;
  double shade(double value, const Extremes& extremes) const;
};

// A grid of short texts on colours: the logit lens.
struct CellGrid {
  struct Cell {
    std::string text;
    float shade = 0;  // 0 to 1
    bool marked = false;
    std::vector<std::pair<std::string, std::string>> facts;
  };
  std::string caption, row_title;
  std::vector<std::string> row_labels, col_labels;
  std::vector<Cell> cells;                                                  // row-major
  std::vector<std::vector<std::pair<std::string, std::string>>> col_facts;  // what holds for a whole column
};

// Both axes logarithmic: what was counted as lines, what was measured as dots upon them.
struct Curves {
  struct Line {
    std::string name;
    std::vector<std::pair<double, double>> points;  // length, operations
    std::vector<std::pair<double, double>> dots;    // length, seconds
  };
  std::string caption, x_title, y_title, dots_title;
  std::vector<Line> lines;
  double rate = 0;  // operations a second that lay dots on lines; 0: there are no dots
};

// From scores to one token, a step at a time.
struct Steps {
  struct Step {
    std::string title, line;
    bool active = true;
    std::vector<Bars::Bar> bars;     // what is left
    std::vector<Bars::Bar> dropped;  // the best of what went
  };
  std::vector<Step> steps;
  // The draw: a number in [0, 1) and the part of the line that is the drawn token's.
  std::string draw_title, draw_line;
  double number = -1, from = 0, to = 0;  // number < 0: nothing was drawn
};

// The next token under other settings, for a page that can be played with: the best scores by name, all others counted.
struct SamplerFigure {
  struct Score {
    std::string label;
    double logit = 0;
  };
  std::string caption;
  std::vector<Score> scores;  // best first
  // How many of the others lie in each step below `rest_top`.
  double rest_top = 0, rest_step = 0;
  std::vector<std::size_t> rest;
  double temperature = 1, top_p = 1;
  std::size_t top_k = 0, vocab_size = 0;  // top_k 0: all
};

// The loop, one token at a time: what the model expects after each token, and what comes.
struct LoopFigure {
  struct Step {
    std::vector<Bars::Bar> bars;
    std::string next;  // what follows; empty: nothing yet
    std::string line;
    bool generated = false;
  };
  std::string caption;
  std::vector<std::string> labels;
  std::vector<Step> steps;  // one for each token: what comes after it
  std::size_t first = 0;    // the step that is shown first
};

// Parts that can be switched off, and the next token then.
struct SwitchesFigure {
  struct Switch {
    std::string label, title;
    std::vector<Bars::Bar> bars;  // the likeliest then
    std::string line;
    double effect = 0;     // bits
    bool changes = false;  // another token leads
  };
  struct Group {
    std::string title;
    std::vector<Switch> switches;
  };
  std::string caption;
  std::vector<Bars::Bar> before;
  std::vector<Group> groups;
};

struct TreeFigure {
  struct Node {
    std::string label, shown;
    double probability = 0;
    std::optional<std::size_t> parent;
  };
  std::string caption, root;
  std::vector<Node> nodes;  // parents before their children
};

// All heads of all layers, and one of them large.
struct AttentionMaps {
  struct Head {
    std::size_t layer = 0, head = 0;
    const AttentionRecord* attention = nullptr;
    const HeadRecord* record = nullptr;
    HeadKind kind = HeadKind::mixed;
    std::vector<std::pair<std::string, std::string>> facts;
    const Grid& values() const { return attention->values[record->kv_head]; }
    const Grid& keys() const { return attention->keys[record->kv_head]; }
  };
  struct Example {  // the head that a kind is seen best at
    HeadKind kind = HeadKind::mixed;
    std::size_t head = 0;  // of `heads`
    double share = 0;
  };
  std::vector<std::string> labels;  // of the window's tokens
  std::vector<Head> heads;          // by layer, then head
  std::size_t first = 0;            // position of the first token
  std::size_t chosen = 0;           // the one drawn large
  bool without_mask = false;
  bool grouped = false;     // heads share keys
  bool both_sides = false;  // nothing is masked
  bool sinks = false;       // some heads give a share of the softmax to no token
  std::vector<Example> examples;
};

// The hidden attention of recurrent layers: all recorded heads or channels of all such layers, and one of them large.
struct MemoryMaps {
  struct Unit {
    std::size_t layer = 0;
    std::string name;  // "head 3", "channel 17", "mean"
    std::string title;
    const Grid* weights = nullptr;  // lower triangular, of either sign
    std::vector<std::pair<std::string, std::string>> facts;
  };
  std::vector<std::string> labels;  // of the window's tokens
  std::vector<Unit> units;          // by layer
  std::size_t first = 0;            // position of the first token
  std::size_t chosen = 0;           // the one drawn large
};

using Figure = std::variant<Paragraph, Strip, Table, Bars, Heatmap, CellGrid, Curves, Steps, SamplerFigure, LoopFigure,
                            SwitchesFigure, TreeFigure, AttentionMaps, MemoryMaps>;

}  // namespace continuo::explain
