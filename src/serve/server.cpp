#include "serve/server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <set>

#include "base/json.h"
#include "loading/model_source.h"
#include "requests/fields.h"
#include "requests/request_json.h"
#include "serve/api_answer.h"
#include "serve/api_request.h"
#include "serve/completion_call.h"
#include "serve/embedding_call.h"
#include "serve/embedding_loop.h"
#include "serve/engine_loop.h"
#include "serve/metrics.h"

namespace continuo {

namespace {

using Clock = std::chrono::steady_clock;

// What is left of an answer when the server ends has so long to be written.
constexpr std::chrono::seconds kLastWrites{2};
// What a request and its answer may take whatever request_memory says.
constexpr std::size_t kAnyRequest = std::size_t{16} << 20;
constexpr std::string_view kModels = "/v1/models";

Answer as_answer(const std::vector<TokenId>& ids) { return Answer(ids); }

std::string as_text(const Answer& answer) { return answer.dump(-1, ' ', false, Answer::error_handler_t::replace); }

HttpAnswer refused(const Error& error) { return {.status = status_of(error), .body = error_json(error)}; }

// "%2F" is "/".
std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    out += coded ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (coded) i += 2;
  }
  return out;
}

class Server {
 public:
  Server(HttpServer& http, const LoadedModel& model, Engine* engine, const RequestDefaults& defaults,
         const ServeOptions& options)
      : http_(http), model_(model), options_(options) {
    if (!engine) return;
    parser_.emplace(defaults, model, *engine);
    loop_.emplace(
        *engine, [this](std::vector<EngineLoop::News> news) { deliver(std::move(news)); }, [this] { http_.stop(); });
  }

  Result<void> run() {
    http_.run([this](HttpRequest request,
                     std::shared_ptr<HttpExchange> exchange) { handle(std::move(request), std::move(exchange)); },
              [this] { tick(); }, [this] { begin_end(); });
    if (const std::exception_ptr thrown = loop_ ? loop_->take_exception() : nullptr) std::rethrow_exception(thrown);
    if (const std::exception_ptr thrown = embedding_loop_ ? embedding_loop_->take_exception() : nullptr)
      std::rethrow_exception(thrown);
    return {};
  }

  using Handler = void (Server::*)(const HttpRequest&, const std::shared_ptr<HttpExchange>&);
  struct Served {
    Route route;
    bool needs_key;
    Handler handler;
    bool continues = false;  // texts, which encoders do not
  };
  static const Served kServed[];
  static std::span<const Served> served();

 private:
  void deliver(std::vector<EngineLoop::News> news);
  void handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange);
  void answer(const std::shared_ptr<HttpExchange>& exchange, HttpAnswer answer);
  void allow_origin(const HttpRequest& request, HttpExchange& exchange) const;

  void health(const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange);
  void metrics(const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange);
  void models(const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange);
  void one_model(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange);
  void completions(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange);
  void chat(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange);
  void complete(ApiKind kind, const std::string& body, const std::shared_ptr<HttpExchange>& exchange);
  void embeddings(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange);
  Result<EmbeddingLoop*> embedding_loop();
  void ending(const std::shared_ptr<HttpExchange>& exchange);
  void queue_full(const std::shared_ptr<HttpExchange>& exchange, double seconds);
  void other_model(const std::shared_ptr<HttpExchange>& exchange);
  void tokenize(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange);
  void detokenize(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange);
  void tokenizer_info(const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange);

  bool has_room(std::size_t sequences, std::size_t bytes) const;
  void ask_for_counts();
  void tick();
  void begin_end();

  HttpServer& http_;
  const LoadedModel& model_;
  const ServeOptions& options_;
  std::optional<RequestParser> parser_;  // where there is an engine
  Metrics metrics_;
  std::set<std::shared_ptr<CompletionCall>> calls_;  // that the engine has
  // Of requests and answers, until they are written.
  const std::shared_ptr<std::atomic<std::size_t>> bytes_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::uint64_t number_ = 0;  // of completions so far
  const std::int64_t started_ =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::optional<Clock::time_point> end_;  // when what still runs is interrupted
  bool interrupted_ = false;
  std::set<std::shared_ptr<EmbeddingCall>> embedding_calls_;  // that the embedding loop has
  // Last: their threads use all of the above.
  std::optional<EngineLoop> loop_;               // where there is an engine
  std::optional<EmbeddingLoop> embedding_loop_;  // from the first request for embeddings on
};

const Server::Served Server::kServed[] = {
    {{"GET", "/health"}, false, &Server::health},
    {{"GET", "/metrics"}, true, &Server::metrics},
    {{"GET", "/v1/models"}, true, &Server::models},
    {{"GET", "/v1/models/{model}"}, true, &Server::one_model},
    {{"POST", "/v1/completions"}, true, &Server::completions, true},
    {{"POST", "/v1/chat/completions"}, true, &Server::chat, true},
    {{"POST", "/v1/embeddings"}, true, &Server::embeddings},
    {{"POST", "/tokenize"}, true, &Server::tokenize},
    {{"POST", "/detokenize"}, true, &Server::detokenize},
    {{"GET", "/tokenizer_info"}, true, &Server::tokenizer_info},
};
std::span<const Server::Served> Server::served() { return kServed; }

bool matches(std::string_view pattern, std::string_view path) {
  const std::size_t variable = pattern.find('{');
  if (variable == pattern.npos) return pattern == path;
  return path.size() > variable && path.starts_with(pattern.substr(0, variable));
}

// ---- requests come in ----

void Server::allow_origin(const HttpRequest& request, HttpExchange& exchange) const {
  if (!request.origin || options_.access.origins.empty()) return;
  exchange.headers.emplace_back("Access-Control-Allow-Origin", *request.origin);
  exchange.headers.emplace_back("Vary", "Origin");
}

void Server::answer(const std::shared_ptr<HttpExchange>& exchange, HttpAnswer answer) {
  ++metrics_.answers[answer.status];
  exchange->respond(std::move(answer));
}

void Server::handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange) {
  const Served* found = nullptr;
  std::string allowed;
  for (const Served& served : kServed) {
    if (!matches(served.route.path, request.path)) continue;
    const bool same =
        request.method == served.route.method || (request.method == "HEAD" && served.route.method == "GET");
    if (same) found = &served;
    allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", served.route.method);
  }
  if (const auto why = refusal(options_.access, request, found && found->needs_key)) {
    HttpAnswer no{.status = why->status, .body = error_json(why->status, why->code, why->message)};
    if (why->status == 401) no.headers.emplace_back("WWW-Authenticate", "Bearer");
    return answer(exchange, std::move(no));
  }
  allow_origin(request, *exchange);
  if (request.method == "OPTIONS" && request.origin && !allowed.empty()) {  // a browser asks before it sends
    HttpAnswer yes{.status = 204};
    yes.headers.emplace_back("Access-Control-Allow-Methods", allowed);
    yes.headers.emplace_back("Access-Control-Allow-Headers", "Authorization, Content-Type");
    return answer(exchange, std::move(yes));
  }
  if (found && found->continues && !loop_) {
    constexpr std::string_view kWhat =
        "this server's model is an encoder and continues no texts; /v1/embeddings makes vectors";
    return answer(exchange, {.status = 400, .body = error_json(400, "encoder_model", kWhat, "model")});
  }
  if (found) return (this->*found->handler)(request, exchange);
  if (allowed.empty()) {
    return answer(exchange,
                  {.status = 404,
                   .body = error_json(404, "not_found", fmt::format("there is no {}", request.path.substr(0, 100)))});
  }
  answer(exchange, {.status = 405,
                    .body = error_json(405, "method_not_allowed", fmt::format("expected {}", allowed)),
                    .headers = {{"Allow", allowed}}});
}

void Server::health(const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
  answer(exchange, {.status = end_ ? 503 : 200, .body = end_ ? R"({"status":"ending"})" : R"({"status":"ok"})"});
}

void Server::metrics(const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
  metrics_.running = calls_.size();
  metrics_.connections = http_.connections();
  answer(exchange, {.body = metrics_.text(), .content_type = "text/plain; version=0.0.4"});
}

Answer model_json(const LoadedModel& model, std::int64_t created) {
  Answer json = {{"id", model.name}, {"object", "model"}, {"created", created}, {"owned_by", "continuo"}};
  json["context_length"] = model.network.spec.context_length;
  return json;
}

void Server::models(const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
  const Answer list = {{"object", "list"}, {"data", Answer::array({model_json(model_, started_)})}};
  answer(exchange, {.body = as_text(list)});
}

void Server::one_model(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange) {
  const std::string asked = percent_decoded(std::string_view(request.path).substr(kModels.size() + 1));
  if (asked == model_.name) return answer(exchange, {.body = as_text(model_json(model_, started_))});
  other_model(exchange);
}

void Server::other_model(const std::shared_ptr<HttpExchange>& exchange) {
  answer(exchange,
         {.status = 404,
          .body = error_json(404, "model_not_found", fmt::format("this server's model is {}", model_.name), "model")});
}

void Server::ending(const std::shared_ptr<HttpExchange>& exchange) {
  answer(exchange, {.status = 503,
                    .body = error_json(503, "shutting_down", "the server is shutting down"),
                    .headers = {{"Retry-After", "5"}}});
}

void Server::queue_full(const std::shared_ptr<HttpExchange>& exchange, double seconds) {
  answer(exchange, {.status = 429,
                    .body = error_json(429, "queue_full", "as many requests wait as the server takes"),
                    .headers = {{"Retry-After", fmt::format("{:.0f}", std::clamp(std::ceil(seconds), 1.0, 60.0))}}});
}

// ---- completions ----

bool Server::has_room(std::size_t sequences, std::size_t bytes) const {
  if (calls_.empty()) return true;
  return metrics_.sequences + sequences <= options_.most_sequences && *bytes_ + bytes <= options_.request_memory;
}

void Server::completions(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange) {
  complete(ApiKind::text, request.body, exchange);
}

void Server::chat(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange) {
  complete(ApiKind::chat, request.body, exchange);
}

void Server::complete(ApiKind kind, const std::string& body, const std::shared_ptr<HttpExchange>& exchange) {
  if (end_) return ending(exchange);
  const ModelSpec& spec = model_.network.spec;
  const ApiLimits limits{options_.most_sequences, std::max(options_.request_memory, kAnyRequest)};
  auto parsed =
      kind == ApiKind::chat ? parse_chat(body, *parser_, spec, limits) : parse_completion(body, *parser_, spec, limits);
  if (!parsed) return answer(exchange, refused(parsed.error()));
  if (!parsed->model.empty() && parsed->model != model_.name) return other_model(exchange);
  std::size_t sequences = 0, bytes = 0;
  for (const BatchRequest& prompt : parsed->prompts) {
    sequences += prompt.drawn() + (prompt.score_prompt ? 1 : 0);
    bytes += bytes_of(prompt, spec);
  }
  if (!has_room(sequences, bytes)) return queue_full(exchange, metrics_.whole.mean());
  ApiAnswerHead head{.kind = kind, .id = parsed->prompts.front().id, .model = model_.name};
  head.created =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (head.id.is_binary()) head.id = id_cell_text(head.id);  // a number as it was written
  const char* const prefix = kind == ApiKind::chat ? "chatcmpl" : "cmpl";
  if (head.id.is_null()) head.id = fmt::format("{}-{:x}-{:x}", prefix, started_, ++number_);
  const auto done = [this](const std::shared_ptr<CompletionCall>& call) {
    metrics_.sequences -= call->sequences;
    calls_.erase(call);
    ask_for_counts();
  };
  const auto call = std::make_shared<CompletionCall>(std::move(*parsed), std::move(head), exchange,
                                                     CompletionCall::Parts{*loop_, metrics_, model_.text(), done});
  call->hold(bytes_, bytes);
  call->sequences = sequences;
  metrics_.sequences += sequences;
  calls_.insert(call);
  call->start();
}

// ---- embeddings ----

Result<EmbeddingLoop*> Server::embedding_loop() {
  if (!embedding_loop_) {
    CONTINUO_TRY(EmbeddingSettings settings, embedding_settings(model_.files));
    CONTINUO_TRY(Embedder embedder, Embedder::create(model_, std::move(settings), options_.embedding));
    embedding_loop_.emplace(std::move(embedder), [this] { http_.stop(); });
  }
  return &*embedding_loop_;
}

void Server::embeddings(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange) {
  if (end_) return ending(exchange);
  const auto loop = embedding_loop();
  if (!loop) return answer(exchange, refused(loop.error()));
  const Embedder& embedder = (*loop)->embedder();
  auto parsed = parse_embedding(request.body, embedder, model_.text() != nullptr);
  if (!parsed) return answer(exchange, refused(parsed.error()));
  if (!parsed->model.empty() && parsed->model != model_.name) return other_model(exchange);
  const std::size_t bytes = bytes_of(*parsed, embedder.width());
  const bool room = embedding_calls_.size() < options_.most_sequences && *bytes_ + bytes <= options_.request_memory;
  if (!room && !embedding_calls_.empty()) return queue_full(exchange, 1);
  const auto call = std::make_shared<EmbeddingCall>(std::move(*parsed), model_.name, exchange, metrics_);
  call->hold(bytes_, bytes);
  embedding_calls_.insert(call);
  (*loop)->add(call->start([this, call](Result<std::vector<float>> rows) {
    http_.post([this, call, shared = std::make_shared<Result<std::vector<float>>>(std::move(rows))] {
      call->finish(std::move(*shared));
      embedding_calls_.erase(call);
    });
  }));
}

// ---- the tokenizer ----

// The fields of a body, of which no others may be there.
Result<Json> body_fields(const std::string& body, std::initializer_list<std::string_view> known) {
  CONTINUO_TRY(Json json, parse_body(body));
  for (const auto& item : json.items()) {
    if (std::find(known.begin(), known.end(), item.key()) == known.end())
      return field_error(valid_utf8(item.key().substr(0, 60)), "is no field of this request");
  }
  return json;
}

Error no_tokenizer() { return usage_error("the model has no tokenizer", "token ids are all it knows"); }

void Server::tokenize(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange) {
  const auto ids = [&]() -> Result<std::vector<TokenId>> {
    if (!model_.text()) return no_tokenizer();
    CONTINUO_TRY(const Json json, body_fields(request.body, {"prompt", "add_special_tokens", "model"}));
    const Json prompt = json.value("prompt", Json());
    if (!prompt.is_string()) return wrong_field("prompt", "a string", prompt);
    const Json special = json.value("add_special_tokens", Json(true));
    if (!special.is_boolean()) return wrong_field("add_special_tokens", "true or false", special);
    return model_.text()->encode(prompt.get_ref<const std::string&>(), special.get<bool>());
  }();
  if (!ids) return answer(exchange, refused(ids.error()));
  Answer json = {{"tokens", as_answer(*ids)}};
  json["count"] = ids->size();
  json["max_model_len"] = model_.network.spec.context_length;
  answer(exchange, {.body = as_text(json)});
}

void Server::detokenize(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange) {
  const auto text = [&]() -> Result<std::string> {
    if (!model_.text()) return no_tokenizer();
    CONTINUO_TRY(const Json json, body_fields(request.body, {"tokens", "model"}));
    const Json tokens = json.value("tokens", Json());
    if (!tokens.is_array()) return wrong_field("tokens", "an array of token ids", tokens);
    std::vector<TokenId> ids;
    for (const Json& id : tokens) {
      const bool whole = id.is_number_unsigned() && id.get<std::uint64_t>() < model_.text()->vocab_size();
      if (!whole) return wrong_field("tokens", fmt::format("ids from 0 to {}", model_.text()->vocab_size() - 1), id);
      ids.push_back(static_cast<TokenId>(id.get<std::uint64_t>()));
    }
    return model_.text()->decode(ids, false);
  }();
  if (!text) return answer(exchange, refused(text.error()));
  answer(exchange, {.body = as_text({{"prompt", *text}})});
}

void Server::tokenizer_info(const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
  if (!model_.text()) return answer(exchange, refused(no_tokenizer()));
  const ModelSpec& spec = model_.network.spec;
  const auto piece = [&](std::optional<TokenId> id) { return id ? Answer(piece_name(model_.text(), *id)) : Answer(); };
  std::optional<TokenId> end;
  for (const TokenId id : spec.eos_tokens) {
    if (!end || end == spec.bos_token) end = id;  // BOS may be among them
  }
  Answer json = {{"eos_token", piece(end)}, {"bos_token", piece(spec.bos_token)}};
  json["pad_token"] = nullptr;
  const Result<Chat>& chat = model_.chat->get(*model_.text());
  json["chat_template"] = chat ? Answer(chat->rendering.source()) : Answer();
  answer(exchange, {.body = as_text(json)});
}

// ---- time ----

void Server::deliver(std::vector<EngineLoop::News> news) {
  http_.post([all = std::move(news)] {
    for (const EngineLoop::News& one : all) one();
  });
}

void Server::ask_for_counts() {
  loop_->run_soon([this](Engine& engine) {
    loop_->tell([this, counts = engine.counts()] {
      metrics_.computed_tokens = counts.computed;
      metrics_.shared_tokens = counts.shared;
      metrics_.preemptions = counts.preempted;
    });
  });
}

void Server::tick() {
  if (!calls_.empty()) ask_for_counts();
  const auto now = Clock::now();
  if (options_.deadline.count() > 0) {
    for (const auto& call : std::vector(calls_.begin(), calls_.end())) {
      if (now - call->arrival() > options_.deadline)
        call->fail(504, "deadline_exceeded",
                   fmt::format("the answer was not there after {} s", options_.deadline.count()));
    }
    for (const auto& call : std::vector(embedding_calls_.begin(), embedding_calls_.end())) {
      if (now - call->arrival() > options_.deadline)
        call->fail(504, "deadline_exceeded",
                   fmt::format("the answer was not there after {} s", options_.deadline.count()));
    }
  }
  if (!end_) return;
  if (http_.answering() == 0 && calls_.empty()) return http_.stop();
  if (now <= *end_) return;
  if (interrupted_) return http_.stop();
  interrupted_ = true;
  for (const auto& call : std::vector(calls_.begin(), calls_.end()))
    call->fail(503, "shutting_down", "the server is shutting down");
  for (const auto& call : std::vector(embedding_calls_.begin(), embedding_calls_.end()))
    call->fail(503, "shutting_down", "the server is shutting down");
  end_ = now + kLastWrites;
}

void Server::begin_end() {
  spdlog::info("ending; {} requests are on their way", calls_.size());
  end_ = Clock::now() + options_.grace;
  http_.drain();
}

}  // namespace

std::span<const Route> routes() {
  static const std::vector<Route> all = [] {
    std::vector<Route> list;
    for (const Server::Served& served : Server::served()) list.push_back(served.route);
    return list;
  }();
  return all;
}

Result<void> serve(HttpServer& http, const LoadedModel& model, Engine* engine, const RequestDefaults& defaults,
                   const ServeOptions& options) {
  return Server(http, model, engine, defaults, options).run();
}

std::string http_error_json(int status, std::string_view message) {
  return error_json(status, "invalid_http", message);
}

}  // namespace continuo
