// podium-conform: runs a plugin through the contract of its kind, each case in a process of its
// own.

#include <getopt.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <stdexcept>

#include "runner.hpp"

namespace {

using podium::conform::Case;
using podium::conform::Result;
using podium::conform::Settings;
using podium::conform::State;

constexpr int kUsage = 2;

constexpr const char* kHelp =
    R"(podium-conform: runs a plugin of podiumd through the contract of its kind, each case in a child process.

usage: podium-conform [OPTIONS] PLUGIN.so
       podium-conform --list

  --option NAME=VALUE      option of the instances, in the notation of the configuration but without
                           quotes; {tmp} stands for a folder that is empty at the start of each case
  --bad-option NAME=VALUE  a value that the plugin must refuse, with an error that names the option
  --only CASE              only this case, this group (storage), or those of a pattern (storage/list*);
                           may be repeated
  --list                   say the cases with their rules, and do nothing
  --junit FILE             write a JUnit report too
  --limit SECONDS          for each case [60]
  --repeats N              times that an instance is created and destroyed to find leaks [100]

of a runtime:
  --program CODE           a program that prints two bytes or more and ends; without it the cases of
                           runs are skipped
  --forever CODE           a program that runs until it is ended and reads nothing; the same for
                           deadline, cancel, signals
  --echo CODE              a program that prints each line of its standard input as soon as it has
                           read it, and ends with it; the same for the standard input and for output
                           that is held back
  --language NAME          of these programs [conform]
  --source NAME            name of the file that the code wants [main]
  --command WORD           a word of the command line; repeated for each word [{source}]
  --spawner FILE           podium-spawner, for a runtime that works in Podium's sandboxes; wants root

  --help, --version

A case is ok, FAILED or skipped; what cannot be judged says why. The exit code is 0 when at least one
passed and none failed, 1 otherwise, 2 for a command line that is not understood.
)";

enum Id {
  kOption = 256,
  kBadOption,
  kOnly,
  kList,
  kJunit,
  kLimit,
  kRepeats,
  kProgram,
  kForever,
  kEcho,
  kLanguage,
  kSource,
  kCommand,
  kSpawner,
  kHelpId,
  kVersion
};

constexpr option kOptions[] = {{"option", required_argument, nullptr, kOption},
                               {"bad-option", required_argument, nullptr, kBadOption},
                               {"only", required_argument, nullptr, kOnly},
                               {"list", no_argument, nullptr, kList},
                               {"junit", required_argument, nullptr, kJunit},
                               {"limit", required_argument, nullptr, kLimit},
                               {"repeats", required_argument, nullptr, kRepeats},
                               {"program", required_argument, nullptr, kProgram},
                               {"forever", required_argument, nullptr, kForever},
                               {"echo", required_argument, nullptr, kEcho},
                               {"language", required_argument, nullptr, kLanguage},
                               {"source", required_argument, nullptr, kSource},
                               {"command", required_argument, nullptr, kCommand},
                               {"spawner", required_argument, nullptr, kSpawner},
                               {"help", no_argument, nullptr, kHelpId},
                               {"version", no_argument, nullptr, kVersion},
                               {nullptr, 0, nullptr, 0}};

/// A command line that is not understood.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::pair<std::string, std::string> assignment(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError("expected NAME=VALUE, not '" + text + "'");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

unsigned number(const std::string& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > 100'000) {
    throw UsageError("expected a whole number from 1 to 100000, not '" + text + "'");
  }
  return value;
}

struct Words {
  Settings settings;
  std::vector<std::string> only;
  std::filesystem::path junit;
  bool list = false, help = false, version = false, has_command = false;
};

void take(int id, Words& words) {
  Settings& settings = words.settings;
  switch (id) {
    case kOption:
      settings.options.insert_or_assign(assignment(optarg).first, assignment(optarg).second);
      break;
    case kBadOption:
      settings.bad_options.push_back(assignment(optarg));
      break;
    case kOnly:
      words.only.emplace_back(optarg);
      break;
    case kList:
      words.list = true;
      break;
    case kJunit:
      words.junit = optarg;
      break;
    case kLimit:
      settings.limit = std::chrono::seconds(number(optarg));
      break;
    case kRepeats:
      settings.repeats = number(optarg);
      break;
    case kProgram:
      settings.program = optarg;
      break;
    case kForever:
      settings.forever = optarg;
      break;
    case kEcho:
      settings.echo = optarg;
      break;
    case kLanguage:
      settings.language = optarg;
      break;
    case kSource:
      settings.source_name = optarg;
      break;
    case kCommand:
      if (!words.has_command) settings.command.clear();
      words.has_command = true;
      settings.command.emplace_back(optarg);
      break;
    case kSpawner:
      settings.spawner = optarg;
      break;
    case kHelpId:
      words.help = true;
      break;
    case kVersion:
      words.version = true;
      break;
    default:
      throw UsageError("see podium-conform --help");
  }
}

Words read_words(int argc, char** argv) {
  Words words;
  for (int id; (id = ::getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) take(id, words);
  if (words.list || words.help || words.version) return words;
  if (optind + 1 != argc) throw UsageError("expected one plugin, a file");
  words.settings.library = std::filesystem::absolute(argv[optind]);
  if (!std::filesystem::is_regular_file(words.settings.library)) {
    throw UsageError("there is no file " + words.settings.library.string());
  }
  for (const std::string& pattern : words.only) {
    bool known = false;
    for (const Case& one : podium::conform::all_cases()) {
      known = known || podium::conform::is_selected(one.name, {pattern});
    }
    if (!known) throw UsageError("--only " + pattern + " names no case; see podium-conform --list");
  }
  return words;
}

void list() {
  for (const Case& one : podium::conform::all_cases())
    std::printf("%-28s %s\n", one.name, one.rule);
}

int conclude(const std::vector<Result>& results) {
  int counts[3] = {0, 0, 0};
  for (const Result& result : results) ++counts[static_cast<int>(result.verdict.state)];
  std::printf("%d passed, %d failed, %d skipped\n", counts[0], counts[1], counts[2]);
  return counts[0] > 0 && counts[1] == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Words words = read_words(argc, argv);
    if (words.help) return std::fputs(kHelp, stdout) < 0 ? 1 : 0;
    if (words.version) return std::puts("podium-conform " PODIUM_VERSION) < 0 ? 1 : 0;
    if (words.list) return list(), 0;
    const std::vector<Result> results = podium::conform::run_cases(words.settings, words.only);
    if (!words.junit.empty()) {
      podium::conform::write_junit(words.junit, words.settings.library.filename().string(),
                                   results);
    }
    return conclude(results);
  } catch (const UsageError& error) {
    std::fprintf(stderr, "podium-conform: %s\n", error.what());
    return kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "podium-conform: %s\n", error.what());
    return 1;
  }
}
