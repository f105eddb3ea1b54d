// continuo serve: the completions API over HTTP.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <optional>

#include "cli/adapters.h"
#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/sampling_settings.h"
#include "cli/waiting.h"
#include "generate/memory.h"
#include "loading/loaded_model.h"
#include "serve/server.h"

namespace continuo {

namespace {

// A connection is a descriptor: as many as this process may have.
void allow_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Result<AccessRules> access_rules(const Options& options) {
  const ServeTyped& typed = options.serve;
  AccessRules rules{.loopback = is_loopback(typed.host), .hosts = typed.hosts, .origins = typed.origins};
  if (!typed.api_key.empty()) {
    CONTINUO_TRY(rules.keys, read_keys(typed.api_key));
  }
  if (rules.loopback || !rules.keys.empty() || typed.insecure) return rules;
  return usage_error(fmt::format("--host {} can be reached from other machines", typed.host),
                     "give --api-key FILE, or --insecure to let everybody ask");
}

HttpOptions http_options(const ServeTyped& typed) {
  return {.address = typed.host == "localhost" ? "127.0.0.1" : typed.host,
          .port = static_cast<std::uint16_t>(typed.port),
          .most_body = typed.max_body,
          .most_connections = static_cast<std::size_t>(typed.connections),
          .error_body = http_error_json};
}

std::string url(const std::string& address, std::uint16_t port) {
  if (address.find(':') != address.npos) return fmt::format("http://[{}]:{}", address, port);
  return fmt::format("http://{}:{}", address, port);
}

}  // namespace

Result<void> run_serve(const Options& options) {
  CONTINUO_TRY_VOID(validate_typed(options));
  CONTINUO_TRY_VOID(HttpServer::available());
  CONTINUO_TRY(AccessRules access, access_rules(options));
  allow_descriptors();
  const HttpOptions how = http_options(options.serve);
  CONTINUO_TRY(const auto http, HttpServer::create(how));
  CONTINUO_TRY(const LoadedModel model,
               while_waiting(options, "loading the model", [&] { return load(options, TokenizerUse::if_there); }));
  CONTINUO_TRY(const Adapters adapters, load_adapters(options, model.network));
  EngineOptions engine_options = batch_engine_options(options, model.network.spec);
  engine_options.adapters = &adapters;
  CONTINUO_TRY(const std::optional<LoadedModel> draft, load_draft_model(options, model));
  if (draft) engine_options.draft_model = &draft->network;
  std::optional<Engine> engine;  // encoders make vectors alone
  if (!sees_both_sides(model.network.spec)) {
    CONTINUO_TRY(engine, Engine::create(model.network, model.text(), engine_options));
  }
  CONTINUO_TRY(const KernelTable kernels, kernels_of(engine_options));
  EngineOptions embedding = engine_options;
  embedding.repack = embedding.repack && !engine;  // weights that are laid out anew take their memory once
  const RequestDefaults defaults = request_defaults(options, model.sampling);
  const ServeOptions serve_options{.access = std::move(access),
                                   .most_sequences = static_cast<std::size_t>(options.serve.queue),
                                   .request_memory = request_memory(engine_options.memory),
                                   .deadline = std::chrono::seconds(options.serve.deadline),
                                   .grace = std::chrono::seconds(options.serve.grace),
                                   .embedding = embedding};
  spdlog::info("model {}, {} kernels, {} threads, {} requests at a time", model.name, kernels.name,
               threads_of(engine_options, model.network), options.batch.at_once);
  CONTINUO_TRY_VOID(print(url(how.address, http->port()) + "\n"));
  return serve(*http, model, engine ? &*engine : nullptr, defaults, serve_options);
}

}  // namespace continuo
