#include <algorithm>
#include <charconv>
#include <sstream>

#include "cli/check.hpp"
#include "cli/exec.hpp"

namespace podium::cli {
namespace {

using Verdict = Check::Verdict;

/// Users of the sandboxes: two for each of 4096 slots, and room for more of them.
constexpr std::uint64_t kSandboxUsers = 20'000;

std::uint64_t number_behind(std::string_view text, std::string_view word) {
  const std::size_t at = text.find(word);
  if (at == text.npos) return 0;
  text.remove_prefix(at + word.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// The largest bound of one run, over the languages.
template <class Member>
std::uint64_t largest(const Config& config, Member member) {
  std::uint64_t most = 0;
  for (const LanguageConfig& language : config.languages) {
    most = std::max(most, static_cast<std::uint64_t>(language.limits.*member));
  }
  return most;
}

}  // namespace

Check check_memory(const Config& config, std::string_view meminfo) {
  const std::uint64_t total = number_behind(meminfo, "MemTotal:") * 1024;
  if (total == 0) {
    return {"memory", Verdict::kWeak, "/proc/meminfo does not say how much there is",
            "mount /proc"};
  }
  const std::uint64_t wanted = config.admission.runs * largest(config, &Limits::memory);
  const std::string found =
      readable_size(static_cast<double>(total)) + "; " + std::to_string(config.admission.runs) +
      " runs at a time may use " + readable_size(static_cast<double>(wanted));
  if (wanted <= total) return {"memory", Verdict::kGood, found, ""};
  return {"memory", Verdict::kWeak, found,
          "lower \"admission\".\"runs\" or \"limits\".\"memory\", or the machine's own "
          "out-of-memory killer decides what ends"};
}

Check check_processes(const Config& config, std::string_view pid_max) {
  std::uint64_t ids = 0;
  std::from_chars(pid_max.data(), pid_max.data() + pid_max.size(), ids);
  const std::uint64_t wanted = config.admission.runs * largest(config, &Limits::processes) + 1000;
  const std::string found = std::to_string(ids) + " process ids, at most " +
                            std::to_string(wanted) + " are used";
  if (ids >= wanted) return {"processes", Verdict::kGood, found, ""};
  return {"processes", Verdict::kWeak, found,
          "sysctl -w kernel.pid_max=" + std::to_string(wanted * 2) +
              ", or lower \"admission\".\"runs\""};
}

Check check_sandbox_users(const Config& config, std::string_view passwd) {
  const std::uint64_t first = config.sandbox.uid_base;
  std::istringstream lines{std::string(passwd)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t name_end = line.find(':');
    const std::size_t number = line.find(':', name_end + 1);
    if (name_end == line.npos || number == line.npos) continue;
    std::uint64_t uid = 0;
    std::from_chars(line.data() + number + 1, line.data() + line.size(), uid);
    if (uid < first || uid >= first + kSandboxUsers) continue;
    return {"sandbox users", Verdict::kBad,
            "the account " + line.substr(0, name_end) + " is user " + std::to_string(uid) +
                ", which is a sandbox's",
            "another \"sandbox\".\"uid_base\": no account may be among the " +
                std::to_string(kSandboxUsers) + " numbers from there"};
  }
  return {"sandbox users", Verdict::kGood,
          "none of the accounts is from " + std::to_string(first) + " on", ""};
}

}  // namespace podium::cli
