#pragma once
/// What requests ask for and get, as values: no HTTP, no ABI.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "session/store.hpp"

namespace podium {

class ToolTalk;

/// What a request says that a file belongs to; each part may be empty.
struct FileScope {
  std::string kind;      ///< "user", "agent" or "skill"
  std::string resource;  ///< the id beside kind
  std::string version;
};

/// A file that a run is to find in its workspace.
struct FileReference {
  std::string id;
  std::string name;        ///< as given; may be empty
  std::string session;     ///< session_id or storage_session_id
  bool new_style = false;  ///< came with storage_session_id: unchanged inputs are listed too
  FileScope scope = {};
};

/// POST /exec, read and checked in form.
struct ExecCommand {
  std::string language;  ///< canonical
  std::string code;
  std::vector<std::string> arguments;
  std::string standard_input;
  std::map<std::string, std::string> environment;
  std::optional<milliseconds> timeout;
  std::vector<FileReference> files;
  std::string session_id;  ///< may be empty
  std::string entity_id;
  std::string user_id;
  /// Of a program that calls tools of its client, whose time is kept by who made this; else
  /// nullptr.
  std::shared_ptr<ToolTalk> talk;
};

enum class RunStatus {
  kCompleted,
  kFailed,
  kTimedOut,
  kOutOfMemory,
  kProcessLimit,
  kOutputLimit,
  kDiskLimit,
  kCompileError,
  kCancelled,
  kSignaled
};
const char* to_string(RunStatus status) noexcept;

/// A file in an answer.
struct ResultFile {
  std::string id, name, session;
  std::string modified_from, modified_from_session;  ///< empty: none
  bool inherited = false;
  FileScope scope = {};  ///< of an inherited file: clients send it back with the next reference
};

/// How long each stage took, for the log and the metrics. Microseconds.
struct StageTimes {
  std::int64_t queue = 0, staging = 0, start = 0, run = 0, collect = 0;
};

/// The answer to ExecCommand.
struct ExecResult {
  std::string run_id, session_id;
  std::string out, err;  ///< UTF-8, cut and marked
  std::vector<ResultFile> files;
  std::vector<std::string> deleted_files;
  std::optional<int> exit_code;
  std::string signal;  ///< "SIGKILL"; empty: none
  RunStatus status = RunStatus::kCompleted;
  std::string message;  ///< one sentence when not kCompleted; also the last line of err
  std::int64_t wall_ms = 0, cpu_ms = 0;
  std::uint64_t memory_peak = 0;
  std::vector<std::string> left_out;  ///< sentences for artifact_truncation
  std::string unenforced;             ///< limits that this host cannot enforce, comma separated
  bool warm = false;
  StageTimes times;
};

}  // namespace podium
