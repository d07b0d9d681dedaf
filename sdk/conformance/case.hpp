#pragma once
/// One case of the contract, and how its body says what it found.

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace podium::conform {

/// Thrown by a case: the plugin breaks the case's rule.
class Broken : public std::exception {
 public:
  Broken(std::string what, std::string expected)
      : what_(std::move(what)), expected_(std::move(expected)) {}
  const char* what() const noexcept override { return what_.c_str(); }
  const std::string& expected() const noexcept { return expected_; }

 private:
  std::string what_, expected_;
};

/// Thrown by a case that cannot judge this plugin here; says why and what to do.
class NotRun : public std::exception {
 public:
  explicit NotRun(std::string reason) : reason_(std::move(reason)) {}
  const char* what() const noexcept override { return reason_.c_str(); }

 private:
  std::string reason_;
};

enum class Kind : std::uint8_t { kAny, kRuntime, kStorage, kResponse };

const char* to_string(Kind kind) noexcept;

/// What the command line says.
struct Settings {
  std::filesystem::path library;
  /// Options of an instance, in the notation of podium_option.default_value. "{tmp}" stands for a
  /// folder that is empty at the beginning of each case.
  std::map<std::string, std::string> options;
  /// Values that the plugin must refuse.
  std::vector<std::pair<std::string, std::string>> bad_options;
  std::string language = "conform";
  std::string source_name = "main";
  std::vector<std::string> command = {"{source}"};
  std::string program;  ///< prints two bytes or more and ends; empty: unknown
  std::string forever;  ///< runs until it is ended, and reads nothing; empty: unknown
  std::string
      echo;  ///< prints each line of its standard input at once, ends with it; empty: unknown
  std::filesystem::path spawner;
  std::chrono::milliseconds limit{60'000};  ///< of one case
  unsigned repeats = 100;                   ///< of create and destroy
};

/// What a case works with, in a process of its own.
struct Context {
  const Settings& settings;
  std::filesystem::path scratch;  ///< empty folder
  Kind kind = Kind::kAny;         ///< of the plugin, once it is known
  int spawner = -1;               ///< control socket of a sandbox spawner
  std::string note;               ///< printed beside the verdict
};

struct Case {
  const char* name;  ///< group/name
  const char* rule;
  Kind kind;
  bool gate;  ///< where it fails, what follows means nothing
  void (*body)(Context&);
};

/// Every case, in order.
const std::vector<Case>& all_cases();

/// The cases of one file each; all_cases() joins them.
std::vector<Case> file_cases();
std::vector<Case> entry_cases();
std::vector<Case> option_cases();
std::vector<Case> birth_cases();
std::vector<Case> value_cases();
std::vector<Case> life_cases();
std::vector<Case> call_cases();
std::vector<Case> process_cases();
std::vector<Case> extension_cases();
std::vector<Case> runtime_cases();
std::vector<Case> run_input_cases();
std::vector<Case> output_flow_cases();
std::vector<Case> storage_cases();
std::vector<Case> put_parts_cases();
std::vector<Case> response_cases();

/// Names of the cases that are told apart from the others: a plugin that does these things is not
/// blamed by each case in which it does them.
inline constexpr const char* kNoExceptionCase = "calls/no_exception";
inline constexpr const char* kNeverExitsCase = "process/never_exits";

/// `text` for people: control characters and what is too long are told as such.
std::string shown(std::string_view text);

}  // namespace podium::conform
