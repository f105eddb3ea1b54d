// Importance matrices: written, read back, and refused where they are broken.
#include "io/importance_matrix.h"

#include <cmath>
#include <limits>

#include "catch.h"
#include "io/gguf_writer.h"
#include "support.h"

using namespace continuo;

namespace {

struct Row {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

// A file with these tensors.
std::string file_with(const test::TemporaryFolder& folder, const std::vector<Row>& rows,
                      std::string_view type = "imatrix") {
  GgufWriter writer;
  writer.add("general.type", type);
  for (const Row& row : rows) {
    writer.add({.name = row.name,
                .shape = row.shape,
                .format = Format::f32,
                .row = [values = row.values, n = row.shape.back()](std::size_t r, float* out) {
                  std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(r * n), n, out);
                }});
  }
  const std::string path = (folder.path() / "x.gguf").string();
  auto file = NewFile::beside(path);
  REQUIRE(file);
  REQUIRE(writer.write(file->descriptor(), path));
  REQUIRE(file->keep());
  return path;
}

std::string error_of(const std::string& path) {
  const auto read = read_importance_matrix(path);
  return read ? "" : read.error().message();
}

}  // namespace

TEST_CASE("an importance matrix comes back as it was written") {
  const test::TemporaryFolder folder;
  ImportanceMatrix matrix;
  matrix.datasets = {"a text.txt"};
  matrix.chunk_count = 3;
  matrix.chunk_size = 512;
  matrix.tensors["blk.0.attn_q.weight"] = {{1, 4, 9}, {7}};
  matrix.tensors["blk.0.ffn_up_exps.weight"] = {{1, 2, 3, 0, 0, 0}, {5, 0}};
  const std::string path = (folder.path() / "m.gguf").string();
  REQUIRE(write_importance_matrix(matrix, path));
  const auto read = read_importance_matrix(path);
  if (!read) FAIL(read.error().message());
  CHECK(read->datasets == matrix.datasets);
  CHECK(read->chunk_count == 3);
  CHECK(read->chunk_size == 512);
  REQUIRE(read->tensors.size() == 2);
  CHECK(read->tensors.at("blk.0.attn_q.weight").sums == std::vector<float>{1, 4, 9});
  CHECK(read->tensors.at("blk.0.ffn_up_exps.weight").counts == std::vector<float>{5, 0});
  CHECK(read->tensors.at("blk.0.ffn_up_exps.weight").width() == 3);
}

TEST_CASE("columns weigh by their share, and an expert that no token chose by nothing") {
  const std::vector<float> weights = importance_of({{1, 2, 3, 0, 0, 0}, {5, 0}});
  REQUIRE(weights.size() == 6);
  CHECK(weights[0] == Approx(0.501));
  CHECK(weights[1] == Approx(1.001));
  CHECK(weights[2] == Approx(1.501));
  for (std::size_t i = 3; i < 6; ++i) CHECK(weights[i] == 1);
}

TEST_CASE("broken importance matrices are refused by name") {
  const test::TemporaryFolder folder;
  const auto says = [&](const std::vector<Row>& rows, const std::string& what, std::string_view type = "imatrix") {
    const std::string error = error_of(file_with(folder, rows, type));
    INFO(error);
    CHECK(error.find(what) != std::string::npos);
  };
  const Row sums{"a.in_sum2", {1, 4}, {1, 2, 3, 4}}, counts{"a.counts", {1, 1}, {1}};
  CHECK(error_of(file_with(folder, {sums, counts})) == "");
  says({sums, counts}, "'general.type' is \"model\", expected \"imatrix\"", "model");
  says({}, "an importance matrix without tensors");
  says({sums}, "'a.in_sum2' has 4 values and 'a.counts' 0");
  says({counts}, "'a.in_sum2' has 0 values and 'a.counts' 1");
  says({sums, {"a.counts", {3, 1}, {1, 1, 1}}}, "'a.in_sum2' has 4 values and 'a.counts' 3");
  says({{"a.in_sum2", {1, 4}, {1, 2, -3, 4}}, counts}, "tensor 'a.in_sum2' holds -3 as value 2, expected 0 or more");
  says({sums, counts, {"a.weight", {1, 1}, {1}}}, "tensor 'a.weight' is neither sums");
  // A number that is none cannot be written: the bytes are changed behind the writer's back.
  const std::string path = file_with(folder, {sums, counts});
  std::string bytes = test::read_file(path);
  const float infinity = std::numeric_limits<float>::infinity();
  const float three = 3;
  const std::size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&three), 4));
  REQUIRE(at != std::string::npos);
  bytes.replace(at, 4, reinterpret_cast<const char*>(&infinity), 4);
  test::write_file(path, bytes);
  CHECK(error_of(path).find("holds inf as value 2") != std::string::npos);
  test::write_file(path, bytes.substr(0, bytes.size() - 8));
  CHECK_FALSE(error_of(path).empty());
  CHECK(error_of((folder.path() / "none").string()).find("no such file") != std::string::npos);
}
