#include "kernels/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <condition_variable>
#include <system_error>
#include <thread>
#include <vector>

#include <spdlog/spdlog.h>

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

using Clock = std::chrono::steady_clock;

// How often the caller looks whether the others are done before it sleeps: their pieces are short.
constexpr int kSpins = 2000;
// How long a worker looks for the next round before it sleeps: between two pieces of work within a step, and
// between two steps, in which a token is drawn and written; waking takes as long as that. Who waited so long
// in vain may be on a processor that others want, its own caller too, and waits shortly for a while.
class Patience {
 public:
  Clock::time_point end() const {
    const auto now = Clock::now();
    return now + (now < short_until_ ? kShort : kLong);
  }
  void ran_out() { short_until_ = Clock::now() + kWhile; }

 private:
  static constexpr Clock::duration kShort = std::chrono::microseconds(30), kLong = std::chrono::microseconds(200),
                                   kWhile = std::chrono::milliseconds(30);
  Clock::time_point short_until_;
};
constexpr int kSpinsAtOnce = 64;  // between two looks at the clock
// Where rounds are as long as this, a worker is woken for each: that takes little of it, and the worker may
// find another processor.
constexpr Clock::duration kShortRound = std::chrono::microseconds(200);

// One piece of work ("round") at a time. `ticket` holds the round in its upper half and the next index in its lower
// half. A round's task, context and n are written while its ticket is closed (no index is left), so that a late worker
// can never take an index of a round that is not the one it saw begin: if it has read a value of the next round, then
// the closed ticket is before its exchange, which fails.
constexpr std::uint32_t kClosed = UINT32_MAX;

constexpr std::uint64_t make_ticket(std::uint32_t round, std::uint32_t index) {
  return std::uint64_t{round} << 32 | index;
}

// How many of the threads take part. When somebody else wants a processor, a thread that was taken off it in
// the midst of its piece holds up all the others for a time slice of the system: many times longer than the
// piece. That happens now and then on any machine, and costs just that slice; but where much of the time is
// lost in this way, fewer threads do more. One more is tried again after a while, and a longer one each time
// that it fails at once.
class ActiveThreads {
 public:
  explicit ActiveThreads(int size) : size_(size), active_(size) {}

  int active() const { return active_; }

  // Before a round. Whether one thread more is to try it again.
  bool grows(Clock::time_point now) {
    if (active_ == size_ || now < retry_) return false;
    ++active_;
    retry_ = now + (late_ ? patience_ : kCrowded);
    if (late_) {  // else what was lost before counts on
      late_ = active_ < size_;
      tried_ = now;
      begin_window();
    }
    return true;
  }

  // After a round in which the caller worked and then waited for the others: whether fewer threads are to
  // work.
  bool shrinks(Clock::duration worked, Clock::duration waited, Clock::time_point now) {
    busy_ += worked + waited;
    if (waited >= kLate && waited > worked) lost_ += waited;
    if (busy_ < kWindow) return false;
    const double lost = static_cast<double>(lost_.count()) / static_cast<double>(busy_.count());
    begin_window();
    if (active_ == 1 || lost * active_ < 0.9) return false;  // less is lost than what one thread does
    patience_ = now - tried_ < 3 * kWindow ? std::min(2 * patience_, kLongest) : kShortest;
    active_ = std::clamp(static_cast<int>(active_ * (1 - lost)), 1, active_ - 1);
    late_ = true;
    retry_ = now + patience_;
    return true;
  }

  // After a round during which a worker had no processor but the caller's. Whether fewer threads are to work:
  // for a short while, as a worker that tries again and finds no other notices that at once.
  bool gives_way(Clock::time_point now) {
    if (active_ == 1) return false;
    --active_;
    retry_ = now + kCrowded;
    return true;
  }

 private:
  static constexpr Clock::duration kLate = std::chrono::microseconds(300);
  static constexpr Clock::duration kWindow = std::chrono::milliseconds(12);  // of work: some time slices
  static constexpr Clock::duration kCrowded = std::chrono::milliseconds(1), kShortest = std::chrono::milliseconds(25),
                                   kLongest = std::chrono::seconds(1);

  void begin_window() { busy_ = lost_ = Clock::duration{0}; }

  int size_, active_;
  bool late_ = false;  // fewer work because others were late
  Clock::duration patience_ = kShortest, busy_{0}, lost_{0};
  Clock::time_point tried_, retry_;
};

}  // namespace

struct ThreadPool::Impl {
  Impl(int size, Crew kind) : adapts(kind == Crew::adapts), crew(size), active(size) {}

  std::vector<std::thread> threads;
  const bool adapts;
  ActiveThreads crew;  // the caller's

  std::atomic<std::uint64_t> ticket{0};
  std::atomic<std::uint32_t> n{0};
  std::atomic<Task> task{nullptr};
  std::atomic<void*> context{nullptr};
  std::atomic<std::uint32_t> done{0};

  std::atomic<std::uint32_t> round{0};
  std::atomic<int> active;  // workers below it take part
  std::atomic<int> sleepers{0};
  std::atomic<int> callers_processor{-1};
  std::atomic<bool> crowded{false};  // a worker found itself there
  std::atomic<bool> quit{false};
  std::mutex mutex;
  std::condition_variable wake, grown;

  // Takes indices of round `r` until none are left.
  void work(std::uint32_t r, int worker) {
    for (;;) {
      std::uint64_t seen = ticket.load(std::memory_order_acquire);
      if (static_cast<std::uint32_t>(seen >> 32) != r) return;
      const auto i = static_cast<std::uint32_t>(seen);
      const Task f = task.load(std::memory_order_acquire);
      void* const c = context.load(std::memory_order_acquire);
      const std::uint32_t last = n.load(std::memory_order_acquire);
      if (i >= last) return;
      if (!ticket.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) continue;
      f(c, i, worker);
      if (done.fetch_add(1, std::memory_order_release) + 1 == last) done.notify_one();
    }
  }

  void sleep_until_not(std::uint32_t r, int worker, Patience& patience) {
    const auto enough = patience.end();
    do {
      for (int i = 0; i < kSpinsAtOnce; ++i) {
        if (round.load(std::memory_order_acquire) != r || quit.load(std::memory_order_relaxed)) return;
        relax();
      }
    } while (worker < active.load(std::memory_order_relaxed) && !in_the_way() && Clock::now() < enough);
    patience.ran_out();
    std::unique_lock lock(mutex);
    grown.wait(lock, [&] { return worker < active.load() || quit.load(); });
    sleepers.fetch_add(1);
    wake.wait(lock, [&] { return round.load() != r || quit.load(); });
    sleepers.fetch_sub(1);
  }

  // Whether this worker keeps the caller from its processor, who can go on only when it sleeps.
  bool in_the_way() {
    const int here = sched_getcpu();  // -1: the system does not tell
    if (here < 0 || here != callers_processor.load(std::memory_order_relaxed)) return false;
    crowded.store(true, std::memory_order_relaxed);
    return true;
  }

  void worker_loop(int worker) {
    Patience patience;
    for (std::uint32_t seen = 0;;) {
      sleep_until_not(seen, worker, patience);
      if (quit.load(std::memory_order_relaxed)) return;
      seen = round.load(std::memory_order_acquire);
      work(seen, worker);
    }
  }

  void set_active(int threads_now) {
    {
      std::lock_guard lock(mutex);
      active.store(threads_now);
    }
    grown.notify_all();
  }

  void begin(std::uint32_t r, std::uint32_t count, Task f, void* c) {
    ticket.store(make_ticket(r, kClosed), std::memory_order_relaxed);
    task.store(f, std::memory_order_release);
    context.store(c, std::memory_order_release);
    n.store(count, std::memory_order_release);
    done.store(0, std::memory_order_relaxed);
    callers_processor.store(sched_getcpu(), std::memory_order_relaxed);
    ticket.store(make_ticket(r, 0), std::memory_order_release);
    round.store(r, std::memory_order_seq_cst);
    if (sleepers.load(std::memory_order_seq_cst) > 0) {
      { std::lock_guard lock(mutex); }  // a worker between its test and its wait is let through to the wait
      wake.notify_all();
    }
  }

  // Others may still compute their last piece. It is short, unless its thread was taken off its processor: then this
  // one leaves its own, which may be what the other waits for.
  void wait_for(std::uint32_t count) {
    for (int spins = 0; spins < kSpins; ++spins) {
      if (done.load(std::memory_order_acquire) == count) return;
      relax();
    }
    for (;;) {
      const std::uint32_t seen = done.load(std::memory_order_acquire);
      if (seen == count) return;
      done.wait(seen, std::memory_order_acquire);
    }
  }
};

ThreadPool::ThreadPool(int threads, int cores, Crew crew)
    : impl_(std::make_unique<Impl>(std::min(threads, cores), crew)) {
  CONTINUO_CHECK(threads >= 1 && cores >= 1, "a pool has at least the caller's thread");
  const int wanted = std::min(threads, cores);
  try {
    for (int i = 1; i < wanted; ++i) {
      impl_->threads.emplace_back([impl = impl_.get(), i] { impl->worker_loop(i); });
    }
  } catch (const std::system_error& e) {  // a limit on processes; those that did start do the work
    spdlog::warn("{} of {} threads could be started: {}", size(), wanted, e.code().message());
    impl_->crew = ActiveThreads(size());
    impl_->set_active(size());
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->quit.store(true);
  }
  impl_->wake.notify_all();
  impl_->grown.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
}

int ThreadPool::size() const { return static_cast<int>(impl_->threads.size()) + 1; }

void ThreadPool::run(std::size_t n, Task task, void* context) {
  Impl& p = *impl_;
  const auto alone = [&] {
    for (std::size_t i = 0; i < n; ++i) task(context, i, 0);
  };
  if (p.threads.empty() || n <= 1) return alone();
  CONTINUO_CHECK(n < UINT32_MAX, "more tasks than a ticket counts");
  const auto start = Clock::now();
  if (p.crew.grows(start)) p.set_active(p.crew.active());
  if (p.crew.active() == 1) return alone();
  const std::uint32_t r = p.round.load(std::memory_order_relaxed) + 1;
  p.begin(r, static_cast<std::uint32_t>(n), task, context);
  p.work(r, 0);
  const auto worked = Clock::now();
  p.wait_for(static_cast<std::uint32_t>(n));
  const auto end = Clock::now();
  if (!p.adapts) return;
  const bool crowded = p.crowded.load(std::memory_order_relaxed);
  if (crowded) p.crowded.store(false, std::memory_order_relaxed);
  const bool fewer =
      crowded && end - start < kShortRound ? p.crew.gives_way(end) : p.crew.shrinks(worked - start, end - worked, end);
  if (fewer) p.set_active(p.crew.active());
}

}  // namespace continuo
