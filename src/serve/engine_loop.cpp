#include "serve/engine_loop.h"

#include <utility>

namespace continuo {

EngineLoop::EngineLoop(Engine& engine, std::function<void(std::vector<News>)> deliver, std::function<void()> failed)
    : engine_(engine), deliver_(std::move(deliver)), failed_(std::move(failed)), thread_([this] { run(); }) {}

EngineLoop::~EngineLoop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void EngineLoop::run_soon(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_all();
}

std::exception_ptr EngineLoop::take_exception() {
  const std::lock_guard lock(mutex_);
  return std::exchange(thrown_, nullptr);
}

// False once the loop is to end.
bool EngineLoop::take_tasks(std::vector<Task>& tasks) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stop_ || !tasks_.empty() || engine_.unfinished() > 0; });
  tasks = std::exchange(tasks_, {});
  return !stop_;
}

void EngineLoop::run() {
  try {
    std::vector<Task> tasks;
    while (take_tasks(tasks)) {
      for (const Task& task : tasks) task(engine_);
      tasks.clear();
      if (engine_.unfinished() > 0) engine_.step();
      if (!news_.empty()) deliver_(std::exchange(news_, {}));
    }
  } catch (...) {  // main's to say
    {
      const std::lock_guard lock(mutex_);
      thrown_ = std::current_exception();
    }
    failed_();
  }
}

}  // namespace continuo
