#pragma once
#include <string>
#include <vector>

namespace podium::sandbox {

/// Where the runs directory appears to pid 1, below a folder only root may enter; covered before
/// user code runs.
inline constexpr char kRunsInside[] = "/.podium/runs";
inline constexpr char kHiddenInside[] = "/.podium";
inline constexpr char kProcInside[] = "/.podium/proc";

/// Makes the calling process live in a prepared read-only root of its own mount namespace: an
/// allow-list of the host (libraries, interpreters, certificates, fonts), stub account files, a
/// small /dev, empty mount points. Nothing of the daemon, of /root, /home, /var, /sys or /run.
///
/// `runs` is the daemon's runs directory, `extra` more paths of the host to show read-only. Needs
/// CAP_SYS_ADMIN; single-threaded. Throws std::system_error that names the step.
void enter_prepared_root(const std::string& runs, const std::vector<std::string>& extra);

}  // namespace podium::sandbox
