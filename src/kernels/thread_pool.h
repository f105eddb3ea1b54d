// Threads that share the work of one step. The caller works too: a pool of one has no threads.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace continuo {

// Processors this process may really use: its affinity mask, bounded by the cgroup's CPU quota (v1 and v2,
// every ancestor; a quarter of a core counts as one); at least 1.
int usable_cores();

class ThreadPool {
 public:
  // While others use the processors fewer threads take part, or all do even so: whoever measures what the
  // machine can do must not measure half of it.
  enum class Crew { adapts, all };

  // At least 1, and no more than `cores`: those would wait for each other.
  explicit ThreadPool(int threads, Crew crew = Crew::adapts)
      : ThreadPool(threads, threads > 1 ? usable_cores() : 1, crew) {}
  ThreadPool(int threads, int cores, Crew crew = Crew::adapts);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;

  // Calls task(context, i, worker) for every i < n, each once, on any of the workers [0, size()); returns when all
  // are done. Which worker takes which i is open, so tasks write disjoint outputs. Called by one thread, not from
  // within a task.
  using Task = void (*)(void* context, std::size_t i, int worker);
  void run(std::size_t n, Task task, void* context);

  template <class F>
  void parallel_for(std::size_t n, F&& f) {
    run(
        n, [](void* c, std::size_t i, int worker) { (*static_cast<std::remove_reference_t<F>*>(c))(i, worker); }, &f);
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace continuo
