#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <podium/sdk/testing/fake_host.hpp>

#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace podium::conform {
namespace {

using Clock = std::chrono::steady_clock;

void write_all(int fd, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // the parent has given up
    at += n;
    size -= static_cast<std::size_t>(n);
  }
}

/// State, then three texts with their lengths.
std::string packed(const Verdict& verdict) {
  std::string out(1, static_cast<char>(verdict.state));
  for (const std::string* text : {&verdict.what, &verdict.expected, &verdict.note}) {
    const auto size = static_cast<std::uint32_t>(text->size());
    out.append(reinterpret_cast<const char*>(&size), sizeof size);
    out += *text;
  }
  return out;
}

/// Nothing while the text is not complete.
std::optional<Verdict> unpacked(std::string_view text) {
  if (text.empty()) return std::nullopt;
  Verdict verdict;
  verdict.state = static_cast<State>(text[0]);
  text.remove_prefix(1);
  for (std::string* part : {&verdict.what, &verdict.expected, &verdict.note}) {
    std::uint32_t size = 0;
    if (text.size() < sizeof size) return std::nullopt;
    std::memcpy(&size, text.data(), sizeof size);
    text.remove_prefix(sizeof size);
    if (text.size() < size) return std::nullopt;
    part->assign(text.substr(0, size));
    text.remove_prefix(size);
  }
  return verdict;
}

Verdict judge(const Case& one, Context& context) {
  Verdict verdict;
  try {
    one.body(context);
  } catch (const Broken& broken) {
    verdict = {State::kFailed, broken.what(), broken.expected(), {}, 0};
  } catch (const NotRun& reason) {
    verdict = {State::kSkipped, reason.what(), {}, {}, 0};
  } catch (const std::exception& e) {
    verdict = {State::kFailed,
               std::string("the case could not be carried out: ") + e.what(),
               "a case that can",
               {},
               0};
  }
  verdict.note = context.note;
  return verdict;
}

[[noreturn]] void be_the_child(const Case& one, Context& context, int output, int report) {
  ::setpgid(0, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::signal(SIGPIPE, SIG_IGN);  // as podiumd does
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(null, 0);
  ::dup2(output, 1);
  ::dup2(output, 2);
  const std::string text = packed(judge(one, context));
  write_all(report, text.data(), text.size());
  ::_exit(0);  // what the plugin still has running ends here
}

std::string content_of(int file) {
  std::string text(4096, '\0');
  const ssize_t n = ::pread(file, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

/// Reads until the verdict is there, the child's end, or the limit; false at the limit.
bool read_verdict(int from, Clock::time_point until, std::string& text) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    pollfd event{from, POLLIN, 0};
    const int ready = left.count() > 0 ? ::poll(&event, 1, static_cast<int>(left.count())) : 0;
    if (ready == 0) return false;
    if (ready < 0) continue;  // EINTR
    char buffer[4096];
    const ssize_t n = ::read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    text.append(buffer, static_cast<std::size_t>(n));
    if (unpacked(text)) return true;
  }
}

Verdict died(const Case& one, int status, const std::string& said) {
  const std::string printed = said.empty() ? "" : "; it printed " + shown(said);
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    return {State::kFailed,
            "the process died of signal " + std::to_string(number) + " (" + ::strsignal(number) +
                ")" + printed,
            "a process that lives; an exception that leaves a noexcept function ends it too",
            {},
            0};
  }
  const std::string what =
      "somebody ended the process, with status " + std::to_string(WEXITSTATUS(status)) + printed;
  if (one.name == std::string_view(kNeverExitsCase))
    return {State::kFailed, what, "no call of exit()", {}, 0};
  return {State::kSkipped, what + "; see " + kNeverExitsCase, {}, {}, 0};
}

}  // namespace

Verdict run_in_child(const Case& one, const Settings& settings, Kind kind, int spawner) {
  const auto began = Clock::now();
  const sdk::testing::TempDir scratch;
  Context context{settings, scratch.path(), kind, spawner, {}};
  const sdk::Descriptor output(::memfd_create("output", MFD_CLOEXEC));
  int pair[2];
  if (!output || ::pipe2(pair, O_CLOEXEC) != 0) {
    throw std::runtime_error(std::string("no descriptors: ") + std::strerror(errno));
  }
  sdk::Descriptor reader(pair[0]), writer(pair[1]);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (pid == 0) be_the_child(one, context, output.get(), writer.get());
  ::setpgid(pid, pid);
  writer.reset();

  std::string text;
  const bool in_time = read_verdict(reader.get(), began + settings.limit, text);
  std::optional<Verdict> verdict = unpacked(text);
  if (!verdict && !in_time) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  ::kill(-pid, SIGKILL);
  if (!verdict) {
    const std::string limit = std::to_string(settings.limit.count() / 1000) + " s";
    verdict = in_time ? died(one, status, content_of(output.get()))
                      : Verdict{State::kFailed,
                                "the case did not end within " + limit,
                                "calls that return",
                                {},
                                0};
  }
  verdict->seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return *verdict;
}

}  // namespace podium::conform
