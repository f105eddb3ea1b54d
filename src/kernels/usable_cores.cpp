// How many processors this process may use.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "kernels/cgroup.h"
#include "kernels/thread_pool.h"

namespace continuo {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace

// cgroup v2: "max 100000" or "QUOTA PERIOD" in microseconds.
double parse_cpu_max(const std::string& line) {
  std::istringstream in(line);
  std::string quota;
  double period = 0;
  if (!(in >> quota >> period) || quota == "max" || period <= 0) return 0;
  const double microseconds = std::atof(quota.c_str());
  return microseconds > 0 ? microseconds / period : 0;
}

double cgroup_quota(const std::string& proc_cgroup, const std::string& root) {
  double least = 0;  // 0: no limit found
  const auto consider = [&](double cores) {
    if (cores > 0 && (least == 0 || cores < least)) least = cores;
  };
  std::istringstream lines(proc_cgroup);
  for (std::string line; std::getline(lines, line);) {  // HIERARCHY:CONTROLLERS:PATH
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool v2 = controllers == ",,";
    if (!v2 && controllers.find(",cpu,") == std::string::npos) continue;
    // A container often sees the host's path but mounts its own group as the root: each prefix is looked at.
    for (std::string path = line.substr(second + 1);; path.erase(path.rfind('/'))) {
      const std::string folder = root + (v2 ? "" : "/cpu") + path;
      if (v2) {
        consider(parse_cpu_max(first_line(folder + "/cpu.max")));
      } else {
        const double quota = std::atof(first_line(folder + "/cpu.cfs_quota_us").c_str());
        const double period = std::atof(first_line(folder + "/cpu.cfs_period_us").c_str());
        if (quota > 0 && period > 0) consider(quota / period);
      }
      if (path.find('/') == std::string::npos) break;
    }
  }
  return least;
}

int threads_for_quota(double quota) { return static_cast<int>(std::clamp(quota + 0.75, 1.0, 1e6)); }

int usable_cores() {
  int cores = 1;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    cores = CPU_COUNT(&set);
  } else if (const long online = sysconf(_SC_NPROCESSORS_ONLN); online > 0) {
    cores = static_cast<int>(online);
  }
  std::ifstream in("/proc/self/cgroup");
  std::ostringstream text;
  text << in.rdbuf();
  if (const double quota = cgroup_quota(text.str(), "/sys/fs/cgroup"); quota > 0) {
    cores = std::min(cores, threads_for_quota(quota));
  }
  return std::max(1, cores);
}

}  // namespace continuo
