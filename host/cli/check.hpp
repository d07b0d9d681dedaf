#pragma once
#include <ctime>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/client.hpp"
#include "config/config.hpp"

namespace podium::cli {

/// What one check of `podium doctor` found.
struct Check {
  enum class Verdict { kGood, kWeak, kBad };

  std::string name;
  Verdict verdict = Verdict::kGood;
  std::string found;   ///< the fact
  std::string remedy;  ///< what to do; empty when good
};

/// "good", "weak", "bad".
const char* to_string(Check::Verdict verdict) noexcept;

// The kernel (kernel_checks.cpp). Those that try things do so in a child process.

/// Each kind of namespace, by making one.
Check check_namespaces();
/// tmpfs and an overlay on it, by mounting them in a namespace of their own.
Check check_overlay();
Check check_seccomp(std::string_view actions_available);
Check check_landlock();
/// From /proc/self/mountinfo and the root's cgroup.controllers of v2, and whether groups can be made, as
/// check_delegation finds out: controllers that one cannot use are none.
Check check_cgroups(std::string_view mountinfo, std::string_view v2_controllers, bool may_make_groups);

/// The system calls that sandboxes are made with, by calling each with arguments that do nothing.
Check check_system_calls();
/// Whether this user can make groups with limits below the one that this process is in, by making
/// one as the spawner does, and undoing it. `self` is /proc/self/cgroup, `mountinfo`
/// /proc/self/mountinfo.
Check check_delegation(std::string_view self, std::string_view mountinfo);
/// How many namespaces the kernel allows (folder /proc/sys/user), for so many sandboxes.
Check check_namespace_bounds(const std::filesystem::path& bounds, std::uint64_t sandboxes);

// The machine (machine_checks.cpp).

Check check_account(const std::string& user);
Check check_state_dir(const std::filesystem::path& state_dir, const std::string& user);
/// Free bytes and inodes of the file system that holds `directory` or will.
Check check_disk(const std::filesystem::path& directory);
/// The time that it is, and whether somebody keeps the clock in step.
Check check_clock(std::time_t now, bool synchronised);
/// Of this machine.
Check check_clock();
/// The most open files that podiumd, started from here, may have; root may have any number.
Check check_descriptors(std::uint64_t connections, std::uint64_t most, bool root);
/// The Debian packages of the configured languages, by dpkg's status file.
std::vector<Check> check_packages(const Config& config, std::string_view dpkg_status);

// What the configuration asks of the machine (capacity_checks.cpp).

/// Memory of all runs that the configuration lets in together, by /proc/meminfo.
Check check_memory(const Config& config, std::string_view meminfo);
/// Processes of all those runs, by /proc/sys/kernel/pid_max.
Check check_processes(const Config& config, std::string_view pid_max);
/// Whether accounts of the machine (/etc/passwd) are among the users of the sandboxes.
Check check_sandbox_users(const Config& config, std::string_view passwd);

// What is on disk (store_checks.cpp).

/// The database's file: there, its owner's, whole by its own header (sqlite.org/fileformat2.html).
/// What is in it, the daemon checks when it opens it.
Check check_database(const std::filesystem::path& state_dir, const std::string& user);
/// The folder of blobs, when the configured storage is on this machine; of others the daemon tells.
Check check_store(const Config& config);

// Podium itself (podium_checks.cpp).

/// `podiumd --check` of the podiumd beside this program.
Check check_plugins(const std::filesystem::path& config);
/// Whether the daemon answers, is ready, and what its parts say.
std::vector<Check> check_daemon(const Client& client);
/// The same from the body of /health/detailed.
std::vector<Check> check_parts(const Json& health);

}  // namespace podium::cli
