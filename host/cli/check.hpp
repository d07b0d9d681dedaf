#pragma once
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
/// From /proc/self/mountinfo and the root's cgroup.controllers of v2.
Check check_cgroups(std::string_view mountinfo, std::string_view v2_controllers);

// The machine (machine_checks.cpp).

Check check_account(const std::string& user);
Check check_state_dir(const std::filesystem::path& state_dir, const std::string& user);
/// Free bytes and inodes of the file system that holds `directory` or will.
Check check_disk(const std::filesystem::path& directory);
Check check_clock();
Check check_descriptors(std::uint64_t connections);
/// The Debian packages of the configured languages, by dpkg's status file.
std::vector<Check> check_packages(const Config& config, std::string_view dpkg_status);

// Podium itself (podium_checks.cpp).

/// `podiumd --check` of the podiumd beside this program.
Check check_plugins(const std::filesystem::path& config);
/// Whether the daemon answers, is ready, and what its parts say.
std::vector<Check> check_daemon(const Client& client);
/// The same from the body of /health/detailed.
std::vector<Check> check_parts(const Json& health);

}  // namespace podium::cli
