#pragma once
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string_view>

#include "cli/client.hpp"
#include "cli/exec.hpp"

namespace podium::cli {

/// `podium reload`: asks the daemon with the administrator's key and tells what it says. Without
/// that key it sends SIGHUP to the daemon of `state_dir` and waits until the metrics tell whether
/// it took the new configuration. 0 when it did, 1 when it kept the old one. Throws Failure when
/// there is no such daemon, or it does not tell.
int run_reload(const std::filesystem::path& state_dir, const Client& client, Console& console);

/// The process that `state_dir`/podiumd.pid names, when it is a podiumd. Throws Failure that says
/// what is wrong otherwise.
pid_t find_daemon(const std::filesystem::path& state_dir);

/// The value of a sample such as `podium_reloads_total{result="ok"}` in Prometheus' text.
std::optional<double> metric_value(std::string_view text, std::string_view sample);

}  // namespace podium::cli
