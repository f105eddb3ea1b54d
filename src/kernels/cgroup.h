// The CPU quota of a cgroup, apart from where the files are, so that it can be tested.
#pragma once

#include <string>

namespace continuo {

// Cores that a cgroup v2 `cpu.max` line grants; 0 = no limit.
double parse_cpu_max(const std::string& line);

// The least quota in cores of the groups that `proc_cgroup` (the text of /proc/self/cgroup) names, and of their
// ancestors, under the mount `root`; 0 = no limit.
double cgroup_quota(const std::string& proc_cgroup, const std::string& root);

// Threads that do most under a quota of so many cores, at least 1. A quarter of a core is worth one more
// thread: it gives a prompt a fifth more speed, and takes a tenth from what waits for memory, since all stop
// when the quota is used up.
int threads_for_quota(double quota);

}  // namespace continuo
