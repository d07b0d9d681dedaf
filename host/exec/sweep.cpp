#include <exception>
#include <filesystem>
#include <vector>

#include "base/failure.hpp"
#include "base/ids.hpp"
#include "exec/state.hpp"

namespace podium {
namespace {

/// One pass over everything that nobody needs any more. On a pool thread. A part that fails does
/// not keep the others from being swept.
class Sweep {
 public:
  Sweep(const Generation& generation, SessionStore& sessions, const InUse& in_use, Log& log,
        const std::filesystem::path& runs_dir)
      : config_(generation.config().sessions),
        storage_(generation.storage()),
        sessions_(sessions),
        in_use_(in_use),
        log_(log),
        runs_dir_(runs_dir) {}

  void run(bool at_start) {
    attempt("left-over run directories", [&] { remove_run_directories(at_start); });
    attempt("expired sessions", [&] { remove_expired_sessions(); });
    attempt("orphaned blobs", [&] { remove_orphans(); });
    attempt("the storage's upkeep", [&] { storage_.sweep(); });
    if (directories_ + expired_ + orphans_ == 0) return;
    log_.info("swept", {{"run_directories", directories_},
                        {"expired_files", expired_},
                        {"orphaned_blobs", orphans_}});
  }

 private:
  template <class F>
  void attempt(const char* what, F part) {
    try {
      part();
    } catch (const std::exception& failure) {
      log_.warning("a part of the sweep failed", {{"part", what}, {"why", failure.what()}});
    }
  }

  void remove_run_directories(bool at_start) {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(runs_dir_)) {
      found.push_back(entry.path());
    }
    // Asked after the listing: a run that has ended since does not come back, ids are used once.
    for (const std::filesystem::path& path : found) {
      if (!at_start && in_use_.holds(RunFiles::run_of_entry(path.filename().string()))) continue;
      attempt("a left-over run directory", [&] {
        if (std::filesystem::remove_all(path) > 0) ++directories_;
      });
    }
  }

  void remove_expired_sessions() {
    if (config_.time_to_live.count() <= 0) return;
    constexpr unsigned kBatch = 500;
    const EpochMs before = epoch_ms_now() - config_.time_to_live.count();
    const auto in_use = [&](const std::string& session) { return in_use_.holds(session); };
    for (;;) {
      const auto keys = sessions_.remove_expired(before, kBatch, in_use);
      if (keys.empty()) return;
      for (const std::string& key : keys) {
        ++expired_;
        remove_unless_used(key);
      }
    }
  }

  /// Blobs that no record names: of uploads and runs that a crash, or a client, cut short.
  void remove_orphans() {
    const EpochMs before = epoch_ms_now() - config_.orphan_age.count();
    // A database that was lost and made anew knows none of the blobs before it, and a backup of the
    // lost one may come back: those are not ours to remove.
    const EpochMs since = sessions_.created();
    std::size_t older = 0;
    std::vector<std::string> old;
    storage_.list("", [&](const BlobInfo& blob) {
      // A store may be shared with others: keys that are not of our form are not ours.
      if (!is_id(blob.key) || blob.modified >= before) return true;
      if (blob.modified >= since) old.push_back(blob.key);
      if (blob.modified < since) ++older;
      return true;
    });
    if (older > 0) {
      log_.warning(
          "files in the storage are older than the database and are left alone; restore "
          "its backup, or remove them by hand",
          {{"files", older}});
    }
    for (const std::string& key : old) {
      if (!in_use_.holds(key) && remove_unless_used(key)) ++orphans_;
    }
  }

  bool remove_unless_used(const std::string& key) {
    if (sessions_.blob_is_used(key)) return false;
    bool removed = false;
    attempt("a blob", [&] {
      storage_.remove(key);
      removed = true;
    });
    return removed;
  }

  const SessionConfig& config_;
  Storage& storage_;
  SessionStore& sessions_;
  const InUse& in_use_;
  Log& log_;
  const std::filesystem::path& runs_dir_;
  unsigned directories_ = 0, expired_ = 0, orphans_ = 0;
};

}  // namespace

Task<> ExecService::sweep(std::shared_ptr<const Generation> generation, bool at_start) {
  auto work = [&] {
    Sweep(*generation, state_->sessions, *state_->in_use, state_->log, state_->runs_dir)
        .run(at_start);
    return true;
  };
  co_await in_lane(state_->lanes_of(*generation).work, nullptr, work);
}

}  // namespace podium
