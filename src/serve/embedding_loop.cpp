#include "serve/embedding_loop.h"

#include <algorithm>
#include <utility>

namespace continuo {

namespace {

// Tokens of a round, and of one job among them: a request of many texts lets others pass between its rounds.
constexpr std::size_t kRoundTokens = 4096, kSliceTokens = 2048;

}  // namespace

// `done` may hold what holds the job, so it goes with its call.
void EmbeddingJob::finish(Result<std::vector<float>> result) {
  if (const auto call = std::exchange(done, nullptr)) call(std::move(result));
}

EmbeddingLoop::EmbeddingLoop(Embedder embedder, std::function<void()> failed)
    : embedder_(std::move(embedder)), failed_(std::move(failed)), thread_([this] { run(); }) {}

EmbeddingLoop::~EmbeddingLoop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
  for (const auto& job : jobs_) job->done = nullptr;
}

void EmbeddingLoop::add(std::shared_ptr<EmbeddingJob> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

std::exception_ptr EmbeddingLoop::take_exception() {
  const std::lock_guard lock(mutex_);
  return std::exchange(thrown_, nullptr);
}

// Of each of the first jobs some texts; those of which some are left go to the end. False once the loop is to end.
bool EmbeddingLoop::take_round(std::vector<Slice>& round) {
  round.clear();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stop_ || !jobs_.empty(); });
  std::vector<std::shared_ptr<EmbeddingJob>> unfinished;
  for (std::size_t tokens = 0; !jobs_.empty() && tokens < kRoundTokens;) {
    const auto job = jobs_.front();
    jobs_.pop_front();
    if (job->cancelled) {
      job->finish(Error{.kind = ErrorKind::interrupted, .what = "cancelled"});
      continue;
    }
    std::size_t end = job->next, slice = 0;
    while (end < job->texts.size() && (end == job->next || slice + job->texts[end].size() <= kSliceTokens)) {
      slice += job->texts[end++].size();
    }
    tokens += slice;
    round.push_back({job, end});
    if (end < job->texts.size()) unfinished.push_back(job);
  }
  jobs_.insert(jobs_.end(), unfinished.begin(), unfinished.end());
  return !stop_;
}

void EmbeddingLoop::compute(std::span<const Slice> round) {
  std::vector<std::span<const TokenId>> texts;
  for (const Slice& slice : round) {
    for (std::size_t i = slice.job->next; i < slice.end; ++i) texts.push_back(slice.job->texts[i]);
  }
  auto rows = embedder_.embed(texts);
  if (!rows) {
    for (const Slice& slice : round) {
      slice.job->cancelled = true;
      slice.job->finish(rows.error());
    }
    return;
  }
  auto from = rows->begin();
  for (const Slice& slice : round) {
    EmbeddingJob& job = *slice.job;
    const auto end = from + static_cast<std::ptrdiff_t>((slice.end - job.next) * embedder_.width());
    job.rows.insert(job.rows.end(), from, end);
    from = end;
    job.next = slice.end;
    if (job.next == job.texts.size()) job.finish(std::move(job.rows));
  }
}

void EmbeddingLoop::run() {
  try {
    std::vector<Slice> round;
    while (take_round(round)) compute(round);
  } catch (...) {  // main's to say
    {
      const std::lock_guard lock(mutex_);
      thrown_ = std::current_exception();
    }
    failed_();
  }
}

}  // namespace continuo
