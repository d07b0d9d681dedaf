#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "confine.hpp"
#include "orders.hpp"
#include "protocol.hpp"

namespace podium::pod {

/// What a pod is given to run. Texts end in NUL or at NULL as execve(2) wants them; nothing of it
/// is freed: the process ends with the run.
struct Work {
  const char* source = nullptr;  ///< path of the file with the code
  int source_file = -1;          ///< that file, to be read from its beginning
  bool inputs = false;           ///< files may lie in the workspace
  char** command = nullptr;      ///< interpreter, source, arguments
  char** environment = nullptr;
};

/// Where the code of a zygote's rehearsal lies.
inline constexpr char kRehearsalName[] = "rehearsal.py";
inline constexpr char kRehearsalSource[] = "/mnt/code/rehearsal.py";

/// What programs are told that they were started with, unless the language says otherwise.
inline constexpr const char* kInterpreter = "/usr/bin/python3";

/// Makes the file that most programs are written to and enters the workspace: what every run needs
/// and none decides. What fails is said on stderr, and the process ends.
void make_ready(Work& work) noexcept;

/// Reads a payload (see RunHeader), writes its code to its place, enters its environment. What
/// fails is said on stderr, and the process ends.
void unpack(std::string_view payload, Work& work) noexcept;

/// A pod's way between its fork and its program. Has nothing to do with Python.
class Pod {
 public:
  /// Enters the shell that `order` names and gives up every right, descriptor and name of the
  /// zygote. What fails is told to pid 1, and the process ends.
  void enter(const Order& order, const sandbox::SeccompProgram& seccomp) noexcept;

  /// Says that it waits, returns with the run: its code in place, its limits set, its environment
  /// and directory entered.
  void wait(Work& work) noexcept;

 private:
  [[noreturn]] void fail(int error) noexcept;
  std::string_view receive(sandbox::Go& go) noexcept;

  int step_ = -1;
};

}  // namespace podium::pod
