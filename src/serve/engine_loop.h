// The thread that steps the engine, for all requests together.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "generate/engine.h"

namespace continuo {

class EngineLoop {
 public:
  using Task = std::function<void(Engine&)>;
  using News = std::function<void()>;

  // `deliver` takes what a step has to tell, in order, and calls it in the thread of those who listen. `engine`
  // outlives the loop. `failed` is called if the thread ends by an exception; take_exception() has it.
  EngineLoop(Engine& engine, std::function<void(std::vector<News>)> deliver, std::function<void()> failed);
  ~EngineLoop();
  EngineLoop(const EngineLoop&) = delete;
  EngineLoop& operator=(const EngineLoop&) = delete;

  // By any thread: `task` runs between two steps.
  void run_soon(Task task);
  // In the engine's thread, from tasks and from what the engine calls.
  void tell(News news) { news_.push_back(std::move(news)); }

  std::exception_ptr take_exception();

 private:
  void run();
  bool take_tasks(std::vector<Task>& tasks);

  Engine& engine_;
  std::function<void(std::vector<News>)> deliver_;
  std::function<void()> failed_;
  std::vector<News> news_;  // of the step that is going on
  std::mutex mutex_;        // guards what follows
  std::condition_variable changed_;
  std::vector<Task> tasks_;
  bool stop_ = false;
  std::exception_ptr thrown_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace continuo
