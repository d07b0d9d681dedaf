#pragma once
#include <string>

namespace podium::cli {

/// A word for the shell, whatever it holds.
std::string quoted(const std::string& word);

struct ShellOutcome {
  std::string output;  ///< without the last line feeds
  int status = -1;     ///< as from waitpid; -1: no shell could be started
};

/// What a command line of /bin/sh prints to its standard output.
ShellOutcome run_shell(const std::string& command);

}  // namespace podium::cli
