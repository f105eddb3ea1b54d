#include "cli/bandwidth.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>

namespace continuo {

namespace {

constexpr std::size_t kBeyondCaches = std::size_t{512} << 20;
constexpr int kPasses = 9;

using Lanes = std::uint64_t __attribute__((vector_size(16)));
constexpr std::size_t kLine = 64;  // bytes; four Lanes

// Reads `bytes` as `Streams` parts side by side; the result depends on every byte.
template <std::size_t Streams>
std::uint64_t read_streams(const std::byte* data, std::size_t bytes) {
  const std::size_t part = bytes / Streams / kLine * kLine;
  std::array<std::array<Lanes, 4>, Streams> sums{};
  for (std::size_t at = 0; at < part; at += kLine) {
    for (std::size_t stream = 0; stream < Streams; ++stream) {
      const auto* line = reinterpret_cast<const Lanes*>(data + stream * part + at);
      for (std::size_t i = 0; i < 4; ++i) sums[stream][i] ^= line[i];
    }
  }
  std::uint64_t result = 0;
  for (const auto& stream : sums) {
    for (const Lanes& lanes : stream) result ^= lanes[0] ^ lanes[1];
  }
  return result;
}

using Reader = std::uint64_t (*)(const std::byte*, std::size_t);

// At most a third of the memory that is free now.
std::size_t buffer_size(std::size_t at_least) {
  const std::size_t free =
      static_cast<std::size_t>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t wanted = std::max(at_least, kBeyondCaches);
  return std::max(std::min(wanted, free / 3), std::size_t{16} << 20) / 4096 * 4096;
}

}  // namespace

BandwidthMeter::BandwidthMeter(ThreadPool& threads, std::size_t at_least)
    : threads_(threads), buffer_(buffer_size(at_least)) {
  const std::size_t block = std::size_t{1} << 20;
  threads.parallel_for((buffer_.size() + block - 1) / block, [&](std::size_t i, int) {
    std::memset(buffer_.data() + i * block, static_cast<int>(i), std::min(block, buffer_.size() - i * block));
  });
}

double BandwidthMeter::once() {
  const auto workers = static_cast<std::size_t>(threads_.size());
  const std::size_t share = buffer_.size() / workers / 4096 * 4096;
  std::atomic<std::uint64_t> result{0};  // keeps the reads from being optimized away
  double best = 0;
  for (const Reader reader : {read_streams<1>, read_streams<2>, read_streams<4>}) {
    const auto start = std::chrono::steady_clock::now();
    threads_.parallel_for(workers, [&](std::size_t i, int) { result ^= reader(buffer_.data() + i * share, share); });
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(share * workers) / elapsed.count());
  }
  return best;
}

double measure_bandwidth(ThreadPool& threads, std::size_t at_least) {
  BandwidthMeter meter(threads, at_least);
  std::array<double, kPasses> speeds;
  for (double& speed : speeds) speed = meter.once();
  std::nth_element(speeds.begin(), speeds.begin() + kPasses / 2, speeds.end());
  return speeds[kPasses / 2];
}

}  // namespace continuo
