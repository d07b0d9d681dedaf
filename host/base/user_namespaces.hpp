#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace podium {

/// Why an ordinary user cannot make sandboxes here, and what to do about it.
struct NamespaceProblem {
  std::string found, remedy;
};

/// Tries, in a child process, to make the namespaces that a sandbox has, as an ordinary user would.
/// Nothing when they can be made.
std::optional<NamespaceProblem> user_namespace_problem();

/// The same from the errno of the trial and the switches of this system, which lie in /proc/sys.
NamespaceProblem explain_user_namespaces(int error, const std::filesystem::path& proc_sys);

}  // namespace podium
