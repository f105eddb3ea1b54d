// How numbers and bytes are written for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "explain/recording.h"
#include "explain/words.h"

namespace continuo::explain {

// Bytes as characters that can be seen and cannot steer a terminal: a blank as "·", a line end as "⏎", a tab
// as "⇥", control and format characters and what is not UTF-8 as \xNN.
std::string visible(std::string_view bytes);
// Columns of a terminal that the text takes.
std::size_t width(std::string_view text);
// At most `columns` wide; what is cut off shows as "…".
std::string fit(std::string_view text, std::size_t columns);

std::string three_digits(double value);  // 3 significant digits: "0.0123", "12.3", "4.56e+09"
std::string percent(double share);       // "12.3 %"
std::string bytes_text(double bytes);    // "1.50 MB"
std::string count_text(double count);    // "1.50 G"
std::string seconds_text(double seconds);

// The piece of an id, visible.
std::string name(const Recording& recording, TokenId id);
// "·the 12.3 %, ·a 4.56 %", the first `n`.
std::string guesses_text(const Recording& recording, const std::vector<Guess>& guesses, std::size_t n);
// The key of a kind of head in the table of words.
std::string_view kind_key(HeadKind kind);
// The last part of a path, without ".gguf": what a model is called where there is no room for more.
std::string short_name(std::string_view path);
// "MODEL reads 12 tokens ...", and which part of a longer text is drawn.
std::string lead_text(const Recording& recording, const Words& words);
// The window's tokens, visible.
std::vector<std::string> token_labels(const Recording& recording);
// "layer"-s as "0", "1", ...
std::vector<std::string> numbers(std::size_t n, std::size_t first = 0);

}  // namespace continuo::explain
