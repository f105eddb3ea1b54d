// What panels are made of: figures, as data. Every canvas (terminal, SVG, HTML page) draws each kind of
// figure once, and so draws every panel.
#pragma once

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
  std::vector<Bar> bars;
  bool by_position = false;  // bar i is about row i of the window
};

// A matrix of numbers as colours.
struct Heatmap {
  std::string caption, row_title, col_title;
  std::vector<std::string> row_labels, col_labels;
  Grid values;
  bool diverging = false;  // colours from -max over 0 to max, else from 0 (or the least) to max
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

struct Curves {
  struct Line {
    std::string name;
    std::vector<std::pair<double, double>> points;
  };
  std::string caption, x_title, y_title;
  std::vector<Line> lines;  // both axes logarithmic
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

// All heads of all layers, and one of them large.
struct AttentionMaps {
  struct Head {
    std::size_t layer = 0, head = 0;
    int window = 0;  // sees this many tokens at the most; 0: all
    const HeadRecord* record = nullptr;
    std::vector<std::pair<std::string, std::string>> facts;
  };
  std::vector<std::string> labels;  // of the window's tokens
  std::vector<Head> heads;          // by layer, then head
  std::size_t first = 0;            // position of the first token
  std::size_t chosen = 0;           // the one drawn large
  bool without_mask = false;
  bool grouped = false;  // heads share keys
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

using Figure = std::variant<Paragraph, Strip, Table, Bars, Heatmap, CellGrid, Curves, Steps, AttentionMaps, MemoryMaps>;

}  // namespace continuo::explain
