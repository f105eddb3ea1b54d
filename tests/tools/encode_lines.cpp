// encode_lines TOKENIZER.JSON: reads lines, each a JSON string, and prints the ids of each, blanks between.
// scripts/compare_tokenizers.py compares them with the reference library's.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "base/json.h"
#include "text/tokenizer.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: encode_lines TOKENIZER.JSON < LINES\n", stderr), 2;
  std::ifstream file(argv[1], std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto tokenizer = continuo::Tokenizer::parse(bytes, argv[1]);
  if (!tokenizer) return std::fprintf(stderr, "%s\n", tokenizer.error().message().c_str()), 1;
  for (std::string line; std::getline(std::cin, line);) {
    const auto text = continuo::parse_json(line, "stdin");
    if (!text || !text->is_string()) return std::fputs("a line is no JSON string\n", stderr), 1;
    std::string out;
    const auto ids = tokenizer->try_encode(text->get<std::string>(), true);
    if (!ids) return std::fprintf(stderr, "%s\n", ids.error().message().c_str()), 1;
    for (const continuo::TokenId id : *ids) out += std::to_string(id) + ' ';
    if (!out.empty()) out.pop_back();
    out += '\n';
    std::fwrite(out.data(), 1, out.size(), stdout);
  }
}
