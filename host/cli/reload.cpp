#include "cli/reload.hpp"

#include <signal.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "base/failure.hpp"
#include "cli/config.hpp"
#include "cli/members.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{90};  // reload_timeout is 30 s, twice
constexpr std::chrono::milliseconds kBetweenLooks{50};

struct Reloads {
  double ok = 0, failed = 0, abandoned = 0;
};

/// How many reloads the daemon has seen; throws Failure when it will not tell.
Reloads ask_reloads(const Client& client) {
  const Reply reply = client.get("/metrics");
  if (reply.status != 200) throw client.refusal(reply);
  return {metric_value(reply.body, R"(podium_reloads_total{result="ok"})").value_or(0),
          metric_value(reply.body, R"(podium_reloads_total{result="failed"})").value_or(0),
          metric_value(reply.body, R"(podium_reloads_total{result="abandoned"})").value_or(0)};
}

void send_hangup(pid_t pid) {
  if (::kill(pid, SIGHUP) == 0) return;
  throw Failure(Code::kForbidden, "cannot signal podiumd (pid " + std::to_string(pid) +
                                      "): " + std::strerror(errno) +
                                      (errno == EPERM ? "; run podium reload as root" : ""));
}

void say(Console& console, bool ok, pid_t pid, const std::string& sentence) {
  if (console.json) {
    console.out << json_dump(Json::object({{"ok", ok}, {"pid", pid}, {"message", sentence}}))
                << '\n';
  } else {
    console.out << sentence << '\n';
  }
}

}  // namespace

std::optional<double> metric_value(std::string_view text, std::string_view sample) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(sample) || line.size() <= sample.size() || line[sample.size()] != ' ') {
      continue;
    }
    return std::strtod(std::string(line.substr(sample.size() + 1)).c_str(), nullptr);
  }
  return std::nullopt;
}

pid_t find_daemon(const fs::path& state_dir) {
  const fs::path file = state_dir / "podiumd.pid";
  std::ifstream in(file);
  if (!in) {
    throw Failure(Code::kUnavailable, "cannot read " + file.string() + ": " + std::strerror(errno) +
                                          (errno == EACCES ? "; run it as root"
                                                           : "; is podiumd running? Say where its "
                                                             "state is with --state-dir"));
  }
  pid_t pid = 0;
  if (!(in >> pid) || pid <= 1) {
    throw Failure(Code::kInternal, file.string() + " holds no process id");
  }
  std::ifstream name_file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(name_file, name);
  if (name != "podiumd") {
    throw Failure(Code::kUnavailable, file.string() + " names process " + std::to_string(pid) +
                                          ", which is no podiumd; the daemon has ended without "
                                          "clearing it away");
  }
  return pid;
}

namespace {

int reload_over_http(const Client& client, Console& console) {
  const Reply reply = client.send_text("POST", "/api/v1/admin/reload", "application/json", "");
  if (reply.status != 200 && reply.status != 422 && reply.status != 504) {
    throw client.refusal(reply);
  }
  const Json body = json_parse(reply.body);
  const bool ok = reply.status == 200;
  if (console.json) {
    console.out << json_dump(body) << '\n';
    return ok ? 0 : 1;
  }
  if (ok) {
    console.out << "reloaded: podiumd at " << client.server().url
                << " works by its new configuration\n";
  } else {
    console.out << text_member(body, "result")
                << ": podiumd keeps its old configuration: " << text_member(body, "message")
                << '\n';
  }
  if (const Json* changes = body.find("changes")) print_changes(*changes, console.out);
  return ok ? 0 : 1;
}

}  // namespace

int run_reload(const fs::path& state_dir, const Client& client, Console& console) {
  if (client.server().admin) return reload_over_http(client, console);
  const pid_t pid = find_daemon(state_dir);
  const Reloads before = ask_reloads(client);
  send_hangup(pid);
  for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
    const Reloads now = ask_reloads(client);
    if (now.ok > before.ok) {
      say(console, true, pid,
          "reloaded: podiumd (pid " + std::to_string(pid) + ") works by its new configuration");
      return 0;
    }
    if (now.failed > before.failed || now.abandoned > before.abandoned) {
      say(console, false, pid,
          "refused: podiumd (pid " + std::to_string(pid) +
              ") keeps its old configuration; its log says why, and so does podiumd --check=FILE");
      return 1;
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
  throw Failure(Code::kDeadlineExceeded, "podiumd (pid " + std::to_string(pid) +
                                             ") has not said within 90 s what came of the reload; "
                                             "look at its log");
}

}  // namespace podium::cli
