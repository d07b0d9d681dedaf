#include <algorithm>
#include <map>
#include <set>

#include "base/failure.hpp"
#include "base/file_name.hpp"
#include "base/ids.hpp"
#include "exec/ownership.hpp"
#include "exec/staging.hpp"
#include "exec/text.hpp"

namespace podium {
namespace {

constexpr std::size_t kMaxReferences = 1000;
constexpr std::size_t kMaxContinued = 1000;  // files of the session that a run continues

class Resolution {
 public:
  Resolution(SessionStore& sessions, InUse& in_use, const Principal& principal)
      : sessions_(sessions), in_use_(in_use), principal_(principal) {}

  void continue_session(const std::string& id, milliseconds time_to_live) {
    if (!is_id(id)) return;
    hold(id);
    const auto session = sessions_.find_session(id);
    if (!session || session->principal != principal_.id) return;
    if (time_to_live.count() > 0 && session->used + time_to_live.count() < epoch_ms_now()) return;
    inputs_->session = id;
    std::vector<FileRecord> files = sessions_.current_files(id);
    if (files.size() > kMaxContinued) {
      inputs_->warnings.push_back("warning: the session has " + std::to_string(files.size()) +
                                  " files; only the " + std::to_string(kMaxContinued) +
                                  " newest are there, name others in \"files\"");
      std::sort(files.begin(), files.end(),
                [](const auto& a, const auto& b) { return a.created > b.created; });
      files.resize(kMaxContinued);
    }
    for (FileRecord& file : files) {
      const std::string name = file.name;
      by_name_[name] = {std::move(file), name, false, false, ""};
    }
  }

  void add(const FileReference& reference, std::size_t index) {
    const std::string name = reference.name.empty() ? "" : canonical(reference.name, index);
    auto file = find(reference, name);
    if (!file) return skipped(reference);
    if (hold(file->session)) {
      // Between finding and holding it the sweep may have taken it: held now, it stays.
      file = find(reference, name);
      if (!file) return skipped(reference);
      hold(file->session);
    }
    const std::string mounted = name.empty() ? file->name : name;
    InputFile& input = by_name_[mounted];
    std::string covers = input.name.empty() || input.referenced ? input.covers : input.file.id;
    input = {std::move(*file), mounted, true, reference.new_style, std::move(covers)};
  }

  std::shared_ptr<ExecService::Inputs> take() {
    drop_files_in_the_way();
    for (auto& [name, input] : by_name_) inputs_->files.push_back(std::move(input));
    return std::move(inputs_);
  }

 private:
  static std::string canonical(const std::string& name, std::size_t index) {
    try {
      return canonical_file_name(name);
    } catch (const Failure& failure) {
      throw Failure(failure.code(), failure.what())
          .with_field({"files[" + std::to_string(index) + "].name", failure.what(), "invalid"});
    }
  }

  void skipped(const FileReference& reference) {
    inputs_->warnings.push_back("warning: file reference skipped: no file has the id \"" +
                                printable(reference.id) + "\" or the name \"" +
                                printable(reference.name) + "\" in its session");
  }

  std::optional<FileRecord> find(const FileReference& reference, const std::string& name) {
    std::optional<FileRecord> file;
    if (is_id(reference.id)) file = sessions_.find_file(reference.id);
    if (!file && !name.empty() && is_id(reference.session)) {
      file = sessions_.find_file_by_name(reference.session, name);
      // Whether there is such a name in a session of somebody else is nobody's business.
      if (!file && is_foreign(reference.session)) refuse();
    }
    if (file && !may_use(principal_, *file, reference.scope)) refuse();
    return file;
  }

  bool is_foreign(const std::string& id) {
    const auto session = sessions_.find_session(id);
    return session && session->principal != principal_.id;
  }

  [[noreturn]] static void refuse() {
    throw Failure(Code::kForbidden, "Unauthorized file reference");
  }

  /// True when it was not held yet.
  bool hold(const std::string& session) {
    if (!held_.insert(session).second) return false;
    inputs_->holds.push_back(in_use_.hold(session));
    return true;
  }

  /// No path can be a file and a folder: of "a" and "a/b" a referenced one stays, else "a/b".
  void drop_files_in_the_way() {
    for (auto input = by_name_.begin(); input != by_name_.end();) {
      auto next = std::next(input);
      const std::string folder = input->first + "/";
      auto below = by_name_.lower_bound(folder);
      if (below == by_name_.end() || below->first.compare(0, folder.size(), folder) != 0) {
        input = next;
        continue;
      }
      if (input->second.referenced && !below->second.referenced) {
        warn_in_the_way(below->first, input->first);
        by_name_.erase(below);
        continue;  // there may be more below
      }
      warn_in_the_way(input->first, below->first);
      by_name_.erase(input);
      input = next;
    }
  }

  void warn_in_the_way(const std::string& dropped, const std::string& kept) {
    inputs_->warnings.push_back("warning: file skipped: \"" + printable(dropped) +
                                "\" cannot lie beside \"" + printable(kept) +
                                "\": one is a folder of the other");
  }

  SessionStore& sessions_;
  InUse& in_use_;
  const Principal& principal_;
  std::shared_ptr<ExecService::Inputs> inputs_ = std::make_shared<ExecService::Inputs>();
  std::map<std::string, InputFile> by_name_;
  std::set<std::string> held_;
};

}  // namespace

std::shared_ptr<ExecService::Inputs> resolve_inputs(SessionStore& sessions, InUse& in_use,
                                                    milliseconds time_to_live,
                                                    const Principal& principal,
                                                    const ExecCommand& command) {
  if (command.files.size() > kMaxReferences) {
    throw Failure(Code::kInvalidArgument, "files has " + std::to_string(command.files.size()) +
                                              " references: expected at most " +
                                              std::to_string(kMaxReferences));
  }
  Resolution resolution(sessions, in_use, principal);
  if (!command.session_id.empty()) resolution.continue_session(command.session_id, time_to_live);
  for (std::size_t i = 0; i < command.files.size(); ++i) resolution.add(command.files[i], i);
  return resolution.take();
}

}  // namespace podium
