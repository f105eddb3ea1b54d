#include "kernels/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "catch.h"
#include "kernels/cgroup.h"
#include "support.h"

using namespace continuo;

TEST_CASE("every index is computed once, whatever the number of threads") {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads, threads);
    REQUIRE(pool.size() == threads);
    for (std::size_t round = 0; round < 300; ++round) {
      const std::size_t n = round % 37;
      std::vector<std::atomic<int>> counts(n);
      pool.parallel_for(n, [&](std::size_t i, int worker) {
        if (worker < 0 || worker >= threads) std::abort();
        counts[i].fetch_add(1);
      });
      for (auto& count : counts) REQUIRE(count.load() == 1);
    }
  }
}

// A worker that is late for a short round must not take an index of the longer one that follows.
TEST_CASE("short and long rounds in turn do not mix") {
  for (const int threads : {2, 3}) {
    ThreadPool pool(threads, threads);
    for (std::size_t round = 0; round < 200000; ++round) {
      const std::size_t n = round % 2 == 0 ? 40 : 2;
      std::atomic<int> counts[40] = {};
      pool.parallel_for(n, [&](std::size_t i, int) { counts[i].fetch_add(1); });
      for (std::size_t i = 0; i < 40; ++i) {
        if (counts[i].load() != (i < n ? 1 : 0)) FAIL("round " << round << ", index " << i << ": " << counts[i].load());
      }
    }
  }
}

TEST_CASE("a pool that has gone to sleep wakes up") {
  ThreadPool pool(4, 4);
  std::atomic<int> sum{0};
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pool.parallel_for(100, [&](std::size_t, int) { sum.fetch_add(1); });
  }
  REQUIRE(sum.load() == 500);
}

TEST_CASE("results are visible to the caller") {
  ThreadPool pool(3, 3);
  for (int round = 0; round < 1000; ++round) {
    std::size_t squares[16] = {};
    pool.parallel_for(16, [&](std::size_t i, int) { squares[i] = i * i; });
    for (std::size_t i = 0; i < 16; ++i) REQUIRE(squares[i] == i * i);
  }
}

TEST_CASE("a pool has no more threads than cores") {
  REQUIRE(ThreadPool(8, 2).size() == 2);
  REQUIRE(ThreadPool(2, 8).size() == 2);
  REQUIRE(ThreadPool(1, 1).size() == 1);
  REQUIRE(ThreadPool(1000).size() <= usable_cores());
}

// Threads that are taken off their processors are what others do to a pool; too many threads do it to themselves.
TEST_CASE("more threads than processors do not bring the work to a halt") {
  const auto seconds = [](int threads) {
    ThreadPool pool(threads, threads);
    const auto start = std::chrono::steady_clock::now();
    std::atomic<std::uint64_t> sum{0};
    for (int round = 0; round < 3000; ++round) {
      pool.parallel_for(16, [&](std::size_t i, int) {
        std::uint64_t x = i + 1;
        for (int step = 0; step < 5000; ++step) x = x * 6364136223846793005u + 1442695040888963407u;
        sum.fetch_add(x, std::memory_order_relaxed);
      });
    }
    REQUIRE(sum.load() != 1);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const double one = seconds(1), many = seconds(16 * std::max(1, usable_cores()));
  INFO(one << " s with one thread, " << many << " s with sixteen a processor");
  CHECK(many < 4 * one);
}

// Whoever waits there for work keeps it from being done.
TEST_CASE("a worker that has no processor but the caller's leaves the work to the caller") {
  cpu_set_t all, one;
  REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  std::atomic<int> tasks[2] = {};
  {
    ThreadPool pool(2, 2);
    for (int round = 0; round < 3000; ++round) {
      pool.parallel_for(4, [&](std::size_t, int worker) {
        ++tasks[worker];
        const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(5);
        while (std::chrono::steady_clock::now() < end) continue;
      });
    }
  }
  REQUIRE(sched_setaffinity(0, sizeof all, &all) == 0);
  REQUIRE(tasks[0] + tasks[1] == 12000);
  REQUIRE(tasks[1] < 1200);
}

TEST_CASE("there is at least one usable core") { REQUIRE(usable_cores() >= 1); }

TEST_CASE("cpu.max lines") {
  REQUIRE(parse_cpu_max("max 100000") == 0);
  REQUIRE(parse_cpu_max("150000 100000") == 1.5);
  REQUIRE(parse_cpu_max("") == 0);
  REQUIRE(parse_cpu_max("x y") == 0);
  REQUIRE(parse_cpu_max("-1 100000") == 0);
  REQUIRE(parse_cpu_max("100000 0") == 0);
}

TEST_CASE("a quarter of a core is worth a thread") {
  REQUIRE(threads_for_quota(0.01) == 1);
  REQUIRE(threads_for_quota(1) == 1);
  REQUIRE(threads_for_quota(1.2) == 1);
  REQUIRE(threads_for_quota(1.25) == 2);
  REQUIRE(threads_for_quota(2) == 2);
  REQUIRE(threads_for_quota(7.5) == 8);
  REQUIRE(threads_for_quota(1e300) == 1000000);
}

TEST_CASE("the least quota of a group and its ancestors counts, v2 and v1") {
  const test::TemporaryFolder folder;
  const std::string root = folder.path().string();
  test::write_file(folder.path() / "cpu.max", "max 100000\n");
  test::write_file(folder.path() / "a/cpu.max", "200000 100000\n");
  test::write_file(folder.path() / "a/b/cpu.max", "300000 100000\n");
  REQUIRE(cgroup_quota("0::/a/b\n", root) == 2);
  REQUIRE(cgroup_quota("0::/\n", root) == 0);
  REQUIRE(cgroup_quota("0::/elsewhere/not/mounted\n", root) == 0);
  test::write_file(folder.path() / "cpu/c/cpu.cfs_quota_us", "50000\n");
  test::write_file(folder.path() / "cpu/c/cpu.cfs_period_us", "100000\n");
  REQUIRE(cgroup_quota("4:cpuacct,cpu:/c\n2:memory:/c\n", root) == 0.5);
  REQUIRE(cgroup_quota("nonsense", root) == 0);
}
