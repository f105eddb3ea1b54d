// Importance matrices: for each input of each matrix, the mean of its squares over a text, by which an error in that
// column counts. GGUF files as llama-imatrix writes them and llama-quantize reads them: for each tensor NAME
// "NAME.in_sum2" (sums, a row for each expert) and "NAME.counts" (how many rows went into each).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"

namespace continuo {

struct ImportanceSums {
  std::vector<float> sums;    // of squares: one row of inputs for each matrix
  std::vector<float> counts;  // rows that went into each of them
  std::size_t width() const { return counts.empty() ? 0 : sums.size() / counts.size(); }
};

struct ImportanceMatrix {
  std::map<std::string, ImportanceSums, std::less<>> tensors;  // by the names of GGUF files
  std::vector<std::string> datasets;
  std::uint32_t chunk_count = 0, chunk_size = 0;
};

Result<ImportanceMatrix> read_importance_matrix(const std::string& path);
// All or nothing.
Result<void> write_importance_matrix(const ImportanceMatrix& matrix, const std::string& path);

// What the columns of each matrix weigh, 1 in the mean, and never 0; 1 where nothing is known of a matrix.
std::vector<float> importance_of(const ImportanceSums& sums);

}  // namespace continuo
