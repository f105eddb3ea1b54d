// Checkpoints of several senses whose text model can be run alone: its hyper-parameters stand in a section of
// config.json, and its tensors beside those of a vision tower and the like.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "model/hyper_parameters.h"

namespace continuo {

struct Checkpoint;

// Tensors that are none of the text model's, by the beginning of their names.
struct OtherPart {
  std::string_view prefix, what;  // "model.visual.", "vision tower"
};

struct Wrapper {
  std::string_view model_type;
  std::string_view known_as;
  std::string_view text_type;  // the text model's model_type where its section has none
  std::span<const OtherPart> others;
};

std::span<const Wrapper> wrappers();
const Wrapper* find_wrapper(std::string_view model_type);

// The hyper-parameters of the text model: its section, or the file itself where older files have none; with what stands
// beside the section, and what the reference takes for granted.
struct TextConfig {
  Json config;
  std::string section;  // "text_config."
};
Result<TextConfig> text_config(const Wrapper& wrapper, const Checkpoint& checkpoint);

// Where the names of the text model's tensors begin: `prefix` stands for "*", `outer` before names without one.
struct TextPlace {
  std::string_view prefix, outer;
};
// The first place at which there is an embedding matrix.
TextPlace text_place(const Checkpoint& checkpoint);

}  // namespace continuo
