#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "exec/cancellation.hpp"
#include "exec/command.hpp"
#include "exec/in_use.hpp"
#include "exec/input_cache.hpp"
#include "exec/service.hpp"
#include "plugin/interfaces.hpp"

namespace podium {

/// A file that a run will find in its workspace under `name`.
struct InputFile {
  FileRecord file;
  std::string name;        ///< canonical
  bool referenced = true;  ///< false: it came with the continued session
  bool new_style = false;
  std::string covers;  ///< id of the continued session's own file of that name, when referenced
};

/// What references and session of a command came to.
struct ExecService::Inputs {
  std::vector<InputFile> files;
  std::vector<std::string> warnings;  ///< lines for stderr
  std::string session;                ///< the one that is continued; empty: a new one
  std::vector<InUse::Hold> holds;     ///< of every session that is read from
};

/// Resolves what a command names; blocking. Throws Failure: kForbidden for a file of another
/// principal, kInvalidArgument for a name that is none; `time_to_live` 0 means for ever.
std::shared_ptr<ExecService::Inputs> resolve_inputs(SessionStore& sessions, InUse& in_use,
                                                    milliseconds time_to_live,
                                                    const Principal& principal,
                                                    const ExecCommand& command);

/// What one run has on disk: `<runs>/<id>` with its inputs, `<runs>/<id>.out` for a runtime without
/// a workspace of its own. Nothing is made before it is asked for. Blocking, the destructor too,
/// which removes everything. One thread at a time.
class RunFiles {
 public:
  RunFiles(std::filesystem::path runs_dir, std::string id);
  RunFiles(const RunFiles&) = delete;
  RunFiles& operator=(const RunFiles&) = delete;
  ~RunFiles();

  /// Puts the inputs in place: hard links to the blobs where the storage has files on the same
  /// file system, to what the cache keeps of a remote one, otherwise copies. Files that are gone
  /// are taken out of `inputs`, with a line in `warnings`. Does not wait for a content that another
  /// run is fetching into the cache: its SHA-256 is returned, and the same call after the fetch
  /// goes on; empty: all are in place. Throws Failure; kCancelled when `cancelled` became true.
  std::string stage(Storage& storage, InputCache& cache, Bytes cache_capacity,
                    std::vector<InputFile>& inputs, std::vector<std::string>& warnings,
                    const std::function<bool()>& cancelled);
  /// The inputs as a runtime wants them, with descriptors for as long as it begins the run.
  struct OpenInputs {
    std::vector<RunInput> inputs;
    std::vector<UniqueFd> descriptors;
  };
  /// Of what stage() has put in place. Throws Failure.
  OpenInputs open_inputs(const std::vector<InputFile>& inputs) const;
  int workspace() const noexcept { return workspace_.get(); }

  /// Makes the empty writable directory, once.
  void make_output();
  int output() const noexcept { return output_.get(); }

  /// The run's id, from the name of an entry of the runs directory.
  static std::string run_of_entry(const std::string& entry);

 private:
  bool place(Storage& storage, InputCache& cache, Bytes cache_capacity, const InputFile& input,
             const std::function<bool()>& cancelled);

  const std::filesystem::path runs_dir_;
  const std::string id_;
  std::size_t placed_ = 0;  ///< inputs
  bool made_ = false, made_output_ = false;
  UniqueFd workspace_, output_;
};

}  // namespace podium
