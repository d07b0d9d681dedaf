#include "cli/doctor.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iomanip>

#include "base/failure.hpp"
#include "cli/languages.hpp"

namespace podium::cli {

namespace {

std::uint64_t most_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_max;
}

}  // namespace

const char* to_string(Check::Verdict verdict) noexcept {
  switch (verdict) {
    case Check::Verdict::kGood:
      return "good";
    case Check::Verdict::kWeak:
      return "weak";
    case Check::Verdict::kBad:
      return "bad";
  }
  return "bad";
}

int print_checks(const std::vector<Check>& checks, Console& console) {
  const bool bad = std::any_of(checks.begin(), checks.end(), [](const Check& check) {
    return check.verdict == Check::Verdict::kBad;
  });
  if (console.json) {
    Json list = Json::array();
    for (const Check& check : checks) {
      list.push(Json::object({{"name", check.name},
                              {"verdict", to_string(check.verdict)},
                              {"found", check.found},
                              {"remedy", check.remedy}}));
    }
    console.out << json_dump_pretty(Json::object({{"ok", !bad}, {"checks", std::move(list)}}))
                << '\n';
    return bad ? 1 : 0;
  }
  for (const Check& check : checks) {
    console.out << std::left << std::setw(5) << to_string(check.verdict) << std::setw(16)
                << check.name << check.found << '\n';
    if (!check.remedy.empty())
      console.out << "     " << std::setw(16) << ""
                  << "→ " << check.remedy << '\n';
  }
  return bad ? 1 : 0;
}

int run_doctor(const CommandLine& line, const Client& client, Console& console) {
  const Check own_group =
      check_delegation(read_whole("/proc/self/cgroup"), read_whole("/proc/self/mountinfo"));
  std::vector<Check> checks{check_namespaces(),
                            check_overlay(),
                            check_seccomp(read_whole("/proc/sys/kernel/seccomp/actions_avail")),
                            check_landlock(),
                            check_system_calls(),
                            check_cgroups(read_whole("/proc/self/mountinfo"),
                                          read_whole("/sys/fs/cgroup/cgroup.controllers"),
                                          own_group.verdict == Check::Verdict::kGood),
                            own_group};
  const Check plugins = check_plugins(line.config);
  try {
    const Config config = configuration_of(line);
    checks.push_back(check_account(config.user));
    checks.push_back(check_state_dir(config.state_dir, config.user));
    checks.push_back(check_disk(config.state_dir));
    checks.push_back(check_clock());
    checks.push_back(
        check_descriptors(config.http.max_connections, most_open_files(), ::geteuid() == 0));
    checks.push_back(check_memory(config, read_whole("/proc/meminfo")));
    checks.push_back(check_processes(config, read_whole("/proc/sys/kernel/pid_max")));
    checks.push_back(check_namespace_bounds("/proc/sys/user", config.admission.runs));
    checks.push_back(check_sandbox_users(config, read_whole("/etc/passwd")));
    checks.push_back(check_database(config.state_dir, config.user));
    checks.push_back(check_store(config));
    for (Check& check : check_packages(config, read_whole("/var/lib/dpkg/status"))) {
      checks.push_back(std::move(check));
    }
  } catch (const Failure&) {
    // check_plugins says what is wrong with the configuration.
  }
  checks.push_back(plugins);
  for (Check& check : check_daemon(client)) checks.push_back(std::move(check));
  return print_checks(checks, console);
}

}  // namespace podium::cli
