#include "requests/answer.h"

#include <algorithm>
#include <numeric>

#include "requests/csv.h"
#include "requests/request_json.h"
#include "text/stream_decoder.h"

namespace continuo {

namespace {

std::string as_line(const Answer& answer) { return answer_text(answer) + '\n'; }

// Line ends and backslashes as \n, \r and \\, so that a line is an answer.
std::string as_text_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\\') {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out + '\n';
}

std::string text_of(const BatchRequest& request, const Completion& sample) {
  return (request.echo ? request.prompt : std::string()) + sample.text;
}

// The fields of one sample.
void add_sample(const AnswerForm& form, const BatchRequest& request, const Completion& sample, Answer& answer) {
  answer["text"] = form.tokenizer ? Answer(text_of(request, sample)) : Answer();
  answer["finish_reason"] = name(sample.finish);
  if (request.request.constraint.kind != ConstraintKind::none) answer["complete"] = sample.complete;
  if (request.want_ids) {
    Answer ids = Answer::array();
    for (const GeneratedToken& token : sample.tokens) ids.push_back(token.id);
    answer["ids"] = std::move(ids);
  }
  if (Answer loops = loops_json(sample); !loops.is_null()) answer["loops"] = std::move(loops);
  if (request.request.want_logprob) answer["logprobs"] = logprobs_json(sample, form.tokenizer);
}

}  // namespace

namespace {

// The cells of kAnswerColumns.
using Row = std::array<std::string, kAnswerColumns.size()>;

std::string as_row(const Row& cells) {
  std::string row;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) row += ',';
    append_csv_cell(row, valid_utf8(cells[i]));  // a text may end within a character
  }
  return row + '\n';
}

std::string sample_row(const AnswerForm& form, const BatchRequest& request, std::uint64_t line,
                       std::span<const Completion> samples, std::size_t index) {
  const Completion& sample = samples[index];
  std::string ids, logprobs;
  if (request.want_ids) {
    for (const GeneratedToken& token : sample.tokens) ids += (ids.empty() ? "" : " ") + std::to_string(token.id);
  }
  if (request.request.want_logprob) {
    logprobs = logprobs_json(sample, form.tokenizer).dump(-1, ' ', false, Answer::error_handler_t::replace);
  }
  return as_row({id_cell_text(request.id), std::to_string(line), std::to_string(index), std::to_string(samples.size()),
                 form.tokenizer ? text_of(request, sample) : "", std::string(name(sample.finish)), ids, logprobs,
                 std::to_string(sample.prompt_tokens), std::to_string(sample.tokens.size()),
                 std::to_string(request.request.sampling.seed), form.model, "", "", std::to_string(request.digest)});
}

// The member "choices" and a comma. Sample by sample: as objects, all of them take many times the memory of
// their text.
std::string choices_text(const AnswerForm& form, const BatchRequest& request, std::span<const Completion> samples) {
  std::string text = "\"choices\":";
  for (std::size_t i = 0; i < samples.size(); ++i) {
    Answer choice = {{"index", i}};
    add_sample(form, request, samples[i], choice);
    choice["completion_tokens"] = samples[i].tokens.size();
    text += i == 0 ? '[' : ',';
    text += answer_text(choice);
  }
  return text + "],";
}

}  // namespace

std::string csv_header() {
  Row names;
  std::copy(kAnswerColumns.begin(), kAnswerColumns.end(), names.begin());
  return as_row(names);
}

std::string answer_line(const AnswerForm& form, const BatchRequest& request, std::uint64_t line,
                        std::span<const Completion> samples) {
  if (form.format == BatchFormat::text) return as_text_line(text_of(request, samples.front()));
  if (form.format == BatchFormat::csv) {
    std::string rows;
    for (std::size_t i = 0; i < samples.size(); ++i) rows += sample_row(form, request, line, samples, i);
    return rows;
  }
  Answer answer = {{"id", request.id}};
  if (form.with_line) answer["line"] = line;
  std::string choices;
  if (request.n == 1) {
    add_sample(form, request, samples.front(), answer);
  } else {
    choices = choices_text(form, request, samples);
  }
  Answer counts = {{"prompt_tokens", samples.front().prompt_tokens}};
  counts["completion_tokens"] =
      std::accumulate(samples.begin(), samples.end(), std::size_t{0},
                      [](std::size_t sum, const Completion& sample) { return sum + sample.tokens.size(); });
  counts["seed"] = request.request.sampling.seed;
  counts["model"] = form.model;
  counts["digest"] = request.digest;
  std::string whole = answer_text(answer);
  whole.back() = ',';
  return whole + choices + as_line(counts).substr(1);
}

std::string error_line(const AnswerForm& form, const BatchError& error, std::uint64_t line) {
  if (form.format == BatchFormat::text) return "\n";
  if (form.format == BatchFormat::csv) {
    return as_row({id_cell_text(error.id), std::to_string(line), "0", "1", "", "", "", "", "", "", "", form.model,
                   error.type, error.message, std::to_string(error.digest)});
  }
  return as_line({{"id", error.id},
                  {"error", {{"type", error.type}, {"message", error.message}, {"line", line}}},
                  {"digest", error.digest}});
}

std::string increment_line(const BatchRequest& request, std::size_t sample, std::string_view text) {
  Answer answer = {{"id", request.id}};
  if (request.n > 1) answer["index"] = sample;
  answer["text"] = text;
  answer["finish_reason"] = nullptr;
  return as_line(answer);
}

}  // namespace continuo
