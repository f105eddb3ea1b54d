#include "cli/state_file.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cerrno>

#include "io/model_files.h"

namespace continuo {

Result<StateFile> StateFile::open(const std::string& path, std::size_t adapter, Engine& engine) {
  StateFile state(path, adapter, engine);
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 && errno == ENOENT) {
    CONTINUO_TRY(NewFile file, NewFile::beside(path));
    state.file_ = std::make_unique<NewFile>(std::move(file));
    return state;
  }
  CONTINUO_TRY(const Blob file, map_file(path));
  CONTINUO_TRY(state.tokens_, engine.read({file.bytes(), path}, adapter));
  return state;
}

void StateFile::write(std::vector<TokenId> ids, std::function<void(Result<void>)> done) {
  const std::shared_ptr<NewFile> file = std::move(file_);
  if (ids.empty()) {
    spdlog::warn("{}: not written: there is no beginning to keep", path_);
    return done({});
  }
  if (ids.size() > engine_->longest_beginning()) {
    spdlog::warn("{}: not written: this model's positions depend on the length of texts of more than {} tokens", path_,
                 engine_->longest_beginning());
    return done({});
  }
  BeginningRequest request{.ids = std::move(ids), .adapter = adapter_};
  if (const auto fits = engine_->check(request); !fits) return done(fits.error());
  engine_->submit(std::move(request), [engine = engine_, adapter = adapter_, path = path_, file,
                                       done = std::move(done)](Result<SavedState> made) {
    if (!made) return done(made.error());
    auto written = engine->write(*made, adapter, file->descriptor(), path);
    if (written) written = file->keep();
    if (written) spdlog::info("{}: written, the state after {} tokens", path, made->tokens.size());
    done(std::move(written));
  });
}

}  // namespace continuo
