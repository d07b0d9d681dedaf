// podium: the client and the operator's tool.

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "base/failure.hpp"
#include "cli/command_line.hpp"
#include "cli/config.hpp"
#include "cli/doctor.hpp"
#include "cli/exec.hpp"
#include "cli/keys.hpp"
#include "cli/languages.hpp"
#include "cli/plugin_new.hpp"
#include "cli/reload.hpp"
#include "cli/runs.hpp"
#include "cli/status.hpp"

namespace {

using podium::cli::Command;
using podium::cli::CommandLine;
using podium::cli::Output;

constexpr int kUsage = 2;

int carry_out(const CommandLine& line) {
  podium::cli::Console console{
      std::cin, std::cout, std::cerr,
      line.output == Output::kJson || (line.output == Output::kAuto && ::isatty(1) != 1)};
  const podium::cli::Client client(line.server);
  switch (line.command) {
    case Command::kHelp: std::cout << podium::cli::help_text(); return 0;
    case Command::kVersion: std::cout << "podium " << PODIUM_VERSION << '\n'; return 0;
    case Command::kExec: return podium::cli::run_exec(line.exec, client, console);
    case Command::kStatus: return podium::cli::run_status(client, console);
    case Command::kDoctor: return podium::cli::run_doctor(line, client, console);
    case Command::kLanguages: return podium::cli::run_languages(line, console);
    case Command::kKeys: return podium::cli::run_keys(line.keys, client, console);
    case Command::kPluginNew:
      return podium::cli::run_plugin_new(line.plugin, podium::cli::installed_templates(), console);
    case Command::kRuns: return podium::cli::run_runs(client, console);
    case Command::kCancel: return podium::cli::run_cancel(line.run, client, console);
    case Command::kBackup: return podium::cli::run_backup(client, console);
    case Command::kAudit: return podium::cli::run_audit(line.audit, client, console);
    case Command::kConfig: return podium::cli::run_config(line, client, console);
    case Command::kReload: return podium::cli::run_reload(line.state_dir, client, console);
  }
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  // Of exec the small numbers belong to the program.
  const bool exec = argc > 1 && std::string_view(argv[1]) == "exec";
  try {
    const CommandLine line = podium::cli::parse_command_line(
        {argv + 1, argv + argc}, [](const char* name) -> const char* { return std::getenv(name); });
    const int code = carry_out(line);
    std::cout.flush();
    return std::cout ? code : podium::cli::kOwnFailure;
  } catch (const podium::cli::UsageError& error) {
    std::fprintf(stderr, "podium: %s\nSee podium --help.\n", error.what());
    return exec ? podium::cli::kOwnFailure : kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "podium: %s\n", error.what());
    return exec ? podium::cli::kOwnFailure : 1;
  }
}
