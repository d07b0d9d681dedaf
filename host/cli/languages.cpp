#include "cli/languages.hpp"

#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iterator>

#include "cli/shell.hpp"
#include "config/usable.hpp"

namespace podium::cli {
namespace {

/// What `podium languages` tells of one.
struct Found {
  const LanguageConfig* language = nullptr;
  std::string version, why;
  std::vector<std::string> missing;  ///< packages
};

std::string version_of(const LanguageConfig& language) {
  if (language.version.empty()) return {};
  std::string command = "timeout 10";
  for (const std::string& word : language.version) command += " " + quoted(word);
  const ShellOutcome outcome = run_shell(command + " 2>&1 </dev/null");
  return outcome.status == 0 ? version_in(outcome.output) : "";
}

Found look_at(const LanguageConfig& language, const Config& config, std::string_view dpkg_status) {
  Found found;
  found.language = &language;
  for (const std::string& package : language.packages) {
    if (!is_installed(dpkg_status, package)) found.missing.push_back(package);
  }
  found.why = why_unusable(language, config);
  if (found.why.empty()) found.version = version_of(language);
  return found;
}

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

Json list_of(const std::vector<std::string>& words) {
  Json list = Json::array();
  for (const std::string& word : words) list.push(word);
  return list;
}

Json as_json(const Found& found) {
  const LanguageConfig& language = *found.language;
  const bool usable = found.why.empty();
  return Json::object({{"name", language.name},
                       {"aliases", list_of(language.aliases)},
                       {"usable", usable},
                       {"version", found.version.empty() ? Json() : Json(found.version)},
                       {"why", usable ? Json() : Json(found.why)},
                       {"runtimes", list_of(language.runtimes)},
                       {"packages", list_of(language.packages)},
                       {"missing_packages", list_of(found.missing)}});
}

void print_text(const Found& found, std::ostream& out) {
  const LanguageConfig& language = *found.language;
  const bool usable = found.why.empty();
  out << std::left << std::setw(6) << language.name << std::setw(4) << (usable ? "yes" : "no")
      << std::setw(10) << (found.version.empty() ? "-" : found.version) << ' ' << std::setw(24)
      << joined(language.aliases, ", ") << ' '
      << (usable ? "runs in " + joined(language.runtimes, ", then ") : found.why) << '\n';
  if (!found.missing.empty()) {
    out << "      → apt-get install " << joined(found.missing, " ")
        << (usable ? " (it runs without)" : ", then restart podiumd") << '\n';
  }
}

}  // namespace

bool is_installed(std::string_view dpkg_status, const std::string& package) {
  const std::string head = "Package: " + package + "\n";
  for (std::size_t at = dpkg_status.find(head); at != std::string_view::npos;
       at = dpkg_status.find(head, at + 1)) {
    if (at != 0 && dpkg_status[at - 1] != '\n') continue;
    const std::string_view entry = dpkg_status.substr(at, dpkg_status.find("\n\n", at) - at);
    if (entry.find("\nStatus: install ok installed") != std::string_view::npos) return true;
  }
  return false;
}

Config configuration_of(const CommandLine& line) {
  Config config = line.config.empty() ? parse_config(default_config_text(), "built-in defaults")
                                      : load_config(line.config);
  config.state_dir = line.state_dir;
  return config;
}

std::string read_whole(const char* file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string version_in(std::string_view printed) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t at = 0; at < printed.size(); ++at) {
    if (!digit(printed[at]) || (at > 0 && (digit(printed[at - 1]) || printed[at - 1] == '.'))) {
      continue;
    }
    std::size_t end = at;
    bool dotted = false;
    while (end < printed.size() &&
           (digit(printed[end]) ||
            (printed[end] == '.' && end + 1 < printed.size() && digit(printed[end + 1])))) {
      dotted |= printed[end] == '.';
      ++end;
    }
    if (dotted) return std::string(printed.substr(at, end - at));
  }
  return std::string(printed.substr(0, printed.find('\n')));
}

int run_languages(const CommandLine& line, Console& console) {
  const Config config = configuration_of(line);
  if (line.names_only) {
    for (const LanguageConfig& language : config.languages) {
      console.out << language.name << '\n';
      for (const std::string& alias : language.aliases) console.out << alias << '\n';
    }
    return 0;
  }
  const std::string dpkg_status = read_whole("/var/lib/dpkg/status");
  Json list = Json::array();
  if (!console.json) console.out << "name  can version    aliases\n";
  for (const LanguageConfig& language : config.languages) {
    const Found found = look_at(language, config, dpkg_status);
    if (console.json) {
      list.push(as_json(found));
    } else {
      print_text(found, console.out);
    }
  }
  if (console.json) {
    console.out << json_dump_pretty(Json::object({{"languages", std::move(list)}})) << '\n';
  }
  return 0;
}

}  // namespace podium::cli
