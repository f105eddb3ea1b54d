#include "kernels/thread_pool.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <condition_variable>
#include <thread>
#include <vector>

#include "base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace continuo {

namespace {

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// How long a thread looks for news before it sleeps: about the time between two pieces of work within a step, far
// less than the time between two uses of an idle pool.
constexpr int kSpins = 2000;

}  // namespace

// One piece of work ("round") at a time. `ticket` holds the round in its upper half and the next index in its lower
// half. A round's task, context and n are written while its ticket is closed (no index is left), so that a late worker
// can never take an index of a round that is not the one it saw begin: if it has read a value of the next round, then
// the closed ticket is before its exchange, which fails.
constexpr std::uint32_t kClosed = UINT32_MAX;

constexpr std::uint64_t make_ticket(std::uint32_t round, std::uint32_t index) {
  return std::uint64_t{round} << 32 | index;
}

struct ThreadPool::Impl {
  std::vector<std::thread> threads;

  std::atomic<std::uint64_t> ticket{0};
  std::atomic<std::uint32_t> n{0};
  std::atomic<Task> task{nullptr};
  std::atomic<void*> context{nullptr};
  std::atomic<std::uint32_t> done{0};

  std::atomic<std::uint32_t> round{0};
  std::atomic<int> sleepers{0};
  std::atomic<bool> quit{false};
  std::mutex mutex;
  std::condition_variable wake;

  // Takes indices of round `r` until none are left.
  void work(std::uint32_t r, int worker) {
    for (;;) {
      std::uint64_t seen = ticket.load(std::memory_order_acquire);
      if (static_cast<std::uint32_t>(seen >> 32) != r) return;
      const auto i = static_cast<std::uint32_t>(seen);
      const Task f = task.load(std::memory_order_acquire);
      void* const c = context.load(std::memory_order_acquire);
      if (i >= n.load(std::memory_order_acquire)) return;
      if (!ticket.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) continue;
      f(c, i, worker);
      done.fetch_add(1, std::memory_order_release);
    }
  }

  void sleep_until_not(std::uint32_t r) {
    for (int i = 0; i < kSpins; ++i) {
      if (round.load(std::memory_order_acquire) != r || quit.load(std::memory_order_relaxed)) return;
      relax();
    }
    std::unique_lock lock(mutex);
    sleepers.fetch_add(1);
    wake.wait(lock, [&] { return round.load() != r || quit.load(); });
    sleepers.fetch_sub(1);
  }

  void worker_loop(int worker) {
    for (std::uint32_t seen = 0;;) {
      sleep_until_not(seen);
      if (quit.load(std::memory_order_relaxed)) return;
      seen = round.load(std::memory_order_acquire);
      work(seen, worker);
    }
  }
};

ThreadPool::ThreadPool(int threads) : impl_(std::make_unique<Impl>()) {
  CONTINUO_CHECK(threads >= 1, "a pool has at least the caller's thread");
  for (int i = 1; i < threads; ++i) {
    impl_->threads.emplace_back([impl = impl_.get(), i] { impl->worker_loop(i); });
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->quit.store(true);
  }
  impl_->wake.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
}

int ThreadPool::size() const { return static_cast<int>(impl_->threads.size()) + 1; }

void ThreadPool::run(std::size_t n, Task task, void* context) {
  if (impl_->threads.empty() || n <= 1) {
    for (std::size_t i = 0; i < n; ++i) task(context, i, 0);
    return;
  }
  CONTINUO_CHECK(n < UINT32_MAX, "more tasks than a ticket counts");
  Impl& p = *impl_;
  const std::uint32_t r = p.round.load(std::memory_order_relaxed) + 1;
  p.ticket.store(make_ticket(r, kClosed), std::memory_order_relaxed);
  p.task.store(task, std::memory_order_release);
  p.context.store(context, std::memory_order_release);
  p.n.store(static_cast<std::uint32_t>(n), std::memory_order_release);
  p.done.store(0, std::memory_order_relaxed);
  p.ticket.store(make_ticket(r, 0), std::memory_order_release);
  p.round.store(r, std::memory_order_seq_cst);
  if (p.sleepers.load(std::memory_order_seq_cst) > 0) {
    { std::lock_guard lock(p.mutex); }  // a worker between its test and its wait is let through to the wait
    p.wake.notify_all();
  }
  p.work(r, 0);
  // Others may still compute their last piece. It is short, unless its thread was taken off its processor.
  for (int spins = 0; p.done.load(std::memory_order_acquire) != n; ++spins) {
    if (spins < kSpins) relax();
    else std::this_thread::yield();
  }
}

}  // namespace continuo
