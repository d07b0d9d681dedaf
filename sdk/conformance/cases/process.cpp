/// What belongs to the whole process, and so to the host.

#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "../elf_file.hpp"
#include "../plugin.hpp"

namespace podium::conform {
namespace {

/// A whole life with work in it.
void live_and_work(Context& context) {
  const Library library(context.settings.library);
  context.kind = library.kind();
  with_any(context, library, options_of(context), 0, [&](auto& made) {
    must_succeed("create", made.answer());
    exercise(context, made);
    made.destroy();
  });
}

void is_silent(Context& context) {
  live_and_work(context);
  std::fflush(nullptr);
  struct stat output {};
  ::fstat(1, &output);
  if (output.st_size == 0) return;
  std::string said(static_cast<std::size_t>(output.st_size), '\0');
  const ssize_t n = ::pread(1, said.data(), said.size(), 0);
  said.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  throw Broken("it wrote to stdout or stderr: " + shown(said),
               "silence; use the log of podium_host");
}

void keeps_the_signal_mask(Context& context) {
  // What the libraries do that it needs is not the plugin's own: Poco blocks SIGPIPE when it is
  // loaded, as it is in podiumd before any plugin. One that only the plugin's own path finds comes
  // with the plugin.
  for (const std::string& name : read_elf(context.settings.library).needed)
    ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  const Library loaded(context.settings.library);
  must_be_the_mask("loading it", before);
  ask_from_now_on(Asking::kJudgeSignals);
  live_and_work(context);
}

void keeps_the_locale(Context& context) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  live_and_work(context);
  const std::string after = std::setlocale(LC_ALL, nullptr);
  if (before != after) throw Broken("it changed the locale to " + shown(after), before);
}

void keeps_the_working_directory(Context& context) {
  const auto before = std::filesystem::current_path();
  live_and_work(context);
  const auto after = std::filesystem::current_path();
  if (before != after)
    throw Broken("it changed the working directory to " + after.string(), before.string());
}

void never_exits(Context& context) { live_and_work(context); }

}  // namespace

std::vector<Case> process_cases() {
  return {
      {"process/silent", "a plugin writes nothing to stdout or stderr", Kind::kAny, false,
       is_silent},
      {"process/signal_mask", "a plugin changes no signal mask of the host's threads", Kind::kAny,
       false, keeps_the_signal_mask},
      {"process/locale", "a plugin does not change the process's locale", Kind::kAny, false,
       keeps_the_locale},
      {"process/working_directory", "a plugin does not change the working directory", Kind::kAny,
       false, keeps_the_working_directory},
      {kNeverExitsCase, "nobody calls exit()", Kind::kAny, false, never_exits},
  };
}

}  // namespace podium::conform
