#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exec/service.hpp"

namespace podium {

/// Where a run stands.
enum class RunStage : std::uint8_t { kQueued, kStaging, kCompiling, kRunning, kCollecting, kEnded };
const char* to_string(RunStage stage) noexcept;

/// What is told of one run.
struct RunInfo {
  std::string id, language, principal, session;
  RunStage stage = RunStage::kQueued;
  unsigned position = 0;  ///< in the queue, from 1; 0: not there
  milliseconds age{0};
  std::optional<EpochMs> started;          ///< when its program began, or its compiler
  std::shared_ptr<const std::string> end;  ///< the end object as JSON, when it is kept
};

/// The runs in progress, and for a minute those that have ended. I/O thread.
class RunBook {
 public:
  using Entry = std::shared_ptr<RunControl::State>;

  /// Bytes of results and events kept of runs that have ended.
  void set_kept(Bytes most) noexcept { most_kept_ = most; }

  void enter(Entry run);
  /// The run has ended; idempotent.
  void ended(const Entry& run);
  /// Its result, behind ended().
  void keep_end(const Entry& run, std::string json);

  // `of`: whose runs are to be seen; nullptr: everybody's.
  /// Runs in progress, oldest first.
  std::vector<RunInfo> list(const Principal* of) const;
  std::optional<RunInfo> find(const std::string& id, const Principal* of);
  /// Empty for an unknown run; else whether it was still in progress.
  std::optional<bool> cancel(const std::string& id, const Principal* of);
  /// The events of a run that can be picked up again. Throws Failure: kNotFound for an unknown run,
  /// kConflict for one that was not begun so.
  std::shared_ptr<EventQueue> events(const std::string& id, const Principal* of);

  void cancel_all();
  bool cancelling() const noexcept { return cancelling_; }

 private:
  Entry visible(const std::string& id, const Principal* of);
  RunInfo info(const RunControl::State& run) const;
  void forget_old();
  static Bytes kept_bytes(const RunControl::State& run);

  std::map<std::uint64_t, Entry> running_;   // by their order
  std::map<std::string_view, Entry> by_id_;  // ended ones too; the keys are the entries' own
  std::deque<Entry> ended_;                  // oldest first
  Bytes kept_ = 0, most_kept_ = 8u << 20;
  std::uint64_t next_ = 1;
  bool cancelling_ = false;
};

}  // namespace podium
