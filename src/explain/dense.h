// Stored matrices as floats: a few rows or maps of a model, for people.
#pragma once

#include <vector>

#include "explain/recording.h"
#include "model/weights.h"

namespace continuo::explain {

std::vector<float> dense_row(const Matrix& matrix, std::size_t row);
Grid dense(const Matrix& matrix);

}  // namespace continuo::explain
