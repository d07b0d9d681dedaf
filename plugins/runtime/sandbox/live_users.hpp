#pragma once
#include <sys/types.h>

#include <set>

namespace podium::sandbox {

/// Whoever has a process on this host; `proc` is its /proc.
std::set<uid_t> users_with_processes(int proc);

}  // namespace podium::sandbox
