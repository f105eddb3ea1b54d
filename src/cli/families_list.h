// The kinds of models that run, by what people call them.
#pragma once

#include <string>

#include "requests/json_answer.h"

namespace continuo {

// {"families": [{"known_as", "model_type", "gguf", "text_only"}]}; text_only: of a checkpoint of several senses.
Answer families_json();
std::string families_text();

}  // namespace continuo
