// Tables: cells, and where rows end.
#include "requests/csv.h"

#include <unistd.h>

#include <random>
#include <thread>

#include "catch.h"
#include "cli/batch/lines.h"

using namespace continuo;

namespace {

constexpr unsigned kSeed = 4180;
using Cells = std::vector<std::string>;

Cells cells(std::string_view row) {
  auto all = csv_cells(row);
  if (!all) FAIL(all.error().message());
  return std::move(*all);
}

std::string refusal(std::string_view row) {
  const auto all = csv_cells(row);
  return all ? "" : all.error().message();
}

// The rows that a reader finds in `text`, when it comes in pieces of `piece` bytes.
std::vector<Line> rows_of(const std::string& text, std::size_t piece, std::size_t longest = 1 << 20) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::thread writer([&] {
    for (std::size_t at = 0; at < text.size(); at += piece) {
      const std::size_t n = std::min(piece, text.size() - at);
      if (write(ends[1], text.data() + at, n) != static_cast<ssize_t>(n)) break;
    }
    close(ends[1]);
  });
  const std::atomic<bool> stop{false};
  LineReader reader(ends[0], "test", longest, stop, LineKind::csv_row);
  std::vector<Line> rows;
  for (;;) {
    auto row = reader.next();
    if (!row || !*row) break;
    rows.push_back(std::move(**row));
  }
  writer.join();
  return rows;
}

}  // namespace

TEST_CASE("cells of a row") {
  CHECK(cells("") == Cells{""});
  CHECK(cells("a") == Cells{"a"});
  CHECK(cells("a,b,,c,") == Cells{"a", "b", "", "c", ""});
  CHECK(cells(" a , b ") == Cells{" a ", " b "});
  CHECK(cells(R"("a","b,c","d""e","")") == Cells{"a", "b,c", "d\"e", ""});
  CHECK(cells(R"("""","""""x")") == Cells{"\"", "\"\"x"});
  CHECK(cells("\"a\nb\",\"c\r\nd\"") == Cells{"a\nb", "c\r\nd"});
  CHECK(cells("a,b\r") == Cells{"a", "b"});
  CHECK(cells("a,\"b\"\r") == Cells{"a", "b"});
  CHECK(cells("\r") == Cells{""});
  CHECK(cells("a\rb,c") == Cells{"a\rb", "c"});
  CHECK(cells("say \"hi\",5\" pipe") == Cells{"say \"hi\"", "5\" pipe"});
  CHECK(cells(std::string("a\0b,c", 5)) == Cells{std::string("a\0b", 3), "c"});
  CHECK(cells("日本,\xff") == Cells{"日本", "\xff"});
}

TEST_CASE("rows that are no rows") {
  CHECK(refusal("a,\"b\"c,d") == "cell 2 goes on after its closing quote (a quote inside quotes is written twice)");
  CHECK(refusal("\"a\" ,b") == "cell 1 goes on after its closing quote (a quote inside quotes is written twice)");
  CHECK(refusal("a,b,\"c") == "the quote that opens cell 3 is never closed");
  CHECK(refusal("\"") == "the quote that opens cell 1 is never closed");
  CHECK(refusal("\"a\"\"") == "the quote that opens cell 1 is never closed");
  CHECK(refusal("\"a\r") == "the quote that opens cell 1 is never closed");
}

TEST_CASE("a row ends at a newline outside quotes, wherever the pieces of the text end") {
  const std::string text = "a,b\r\n\"c\nd\",\"e\"\"\n\"\"f\"\n\ng\"h\n5\",\"x\ny\"\nlast";
  const std::vector<std::string> want = {"a,b\r", "\"c\nd\",\"e\"\"\n\"\"f\"", "", "g\"h", "5\",\"x\ny\"", "last"};
  for (const std::size_t piece : {1, 2, 3, 100}) {
    const std::vector<Line> rows = rows_of(text, piece);
    REQUIRE(rows.size() == want.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      CHECK(rows[i].text == want[i]);
      CHECK(rows[i].number == i + 1);
    }
  }
}

TEST_CASE("a row that is too long is read past, its line ends in quotes too") {
  const std::vector<Line> rows = rows_of("a\n\"" + std::string(500, '\n') + "\"\nb\n", 7, 100);
  REQUIRE(rows.size() == 3);
  CHECK(rows[1].too_long);
  CHECK(rows[1].text.empty());
  CHECK(rows[2].text == "b");
}

TEST_CASE("what is written is read again: any bytes, any cells") {
  std::mt19937 random(kSeed);
  constexpr std::string_view kBytes(",\"\n\r\r\nab\0 \xff", 11);
  std::string table;
  std::vector<Cells> want;
  for (int i = 0; i < 2000; ++i) {
    Cells row(1 + random() % 4);
    std::string line;
    for (std::string& cell : row) {
      for (std::size_t n = random() % 6; n > 0; --n) cell += kBytes[random() % kBytes.size()];
      if (&cell != &row.front()) line += ',';
      append_csv_cell(line, cell);
    }
    CHECK(cells(line) == row);
    table += line + (random() % 2 ? "\n" : "\r\n");
    want.push_back(std::move(row));
  }
  const std::vector<Line> rows = rows_of(table, 4096);
  REQUIRE(rows.size() == want.size());
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(cells(rows[i].text) == want[i]);
}
