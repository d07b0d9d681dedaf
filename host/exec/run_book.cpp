#include "exec/run_book.hpp"

#include <utility>

#include "base/failure.hpp"
#include "exec/state.hpp"

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kKeepEnded{60};
constexpr std::size_t kMostEnded = 10'000;

}  // namespace

const char* to_string(RunStage stage) noexcept {
  switch (stage) {
    case RunStage::kQueued:
      return "queued";
    case RunStage::kStaging:
      return "staging";
    case RunStage::kCompiling:
      return "compiling";
    case RunStage::kRunning:
      return "running";
    case RunStage::kCollecting:
      return "collecting";
    case RunStage::kEnded:
      return "ended";
  }
  return "ended";
}

void RunBook::enter(Entry run) {
  run->number = next_++;
  by_id_.emplace(run->id, run);
  if (cancelling_) run->request();
  running_.emplace(run->number, std::move(run));
}

void RunBook::ended(const Entry& run) {
  if (running_.erase(run->number) == 0) return;
  run->set_stage(RunStage::kEnded);
  run->ended = Clock::now();
  run->place.reset();
  run->lease = nullptr;
  // A reader that is there holds them itself.
  if (!run->replays) run->events.reset();
  std::string().swap(run->kept_input);
  run->input_given = 0;
  ended_.push_back(run);
  kept_ += run->kept = kept_bytes(*run);
  forget_old();
}

void RunBook::keep_end(const Entry& run, std::string json) {
  // One large result must not push everybody else's out.
  if (json.size() <= most_kept_ / 4)
    run->end = std::make_shared<const std::string>(std::move(json));
  const Bytes before = std::exchange(run->kept, kept_bytes(*run));
  if (by_id_.count(run->id) == 0) return;
  kept_ += run->kept - before;
  forget_old();
}

Bytes RunBook::kept_bytes(const RunControl::State& run) {
  return (run.end ? run.end->size() : 0) + (run.events ? run.events->bytes() : 0);
}

void RunBook::forget_old() {
  const Clock::time_point now = Clock::now();
  while (!ended_.empty()) {
    const Entry& oldest = ended_.front();
    const bool late = now - oldest->ended >= kKeepEnded;
    if (!late && kept_ <= most_kept_ && ended_.size() <= kMostEnded) return;
    kept_ -= oldest->kept;
    by_id_.erase(oldest->id);
    ended_.pop_front();
  }
}

RunBook::Entry RunBook::visible(const std::string& id, const Principal* of) {
  forget_old();
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  return of == nullptr || found->second->principal == of->id ? found->second : nullptr;
}

RunInfo RunBook::info(const RunControl::State& run) const {
  RunInfo info{run.id, run.language, run.principal, run.session, run.stage,
               0,      {},           run.started,   run.end};
  info.age = std::chrono::duration_cast<milliseconds>(Clock::now() - run.began);
  return info;
}

std::vector<RunInfo> RunBook::list(const Principal* of) const {
  std::vector<RunInfo> all;
  for (const auto& [number, run] : running_) {
    if (of != nullptr && run->principal != of->id) continue;
    all.push_back(info(*run));
    all.back().position = run->position();
  }
  return all;
}

std::optional<RunInfo> RunBook::find(const std::string& id, const Principal* of) {
  const Entry run = visible(id, of);
  if (!run) return std::nullopt;
  RunInfo found = info(*run);
  found.position = run->position();
  return found;
}

std::optional<bool> RunBook::cancel(const std::string& id, const Principal* of) {
  const Entry run = visible(id, of);
  if (!run) return std::nullopt;
  const bool in_progress = run->stage != RunStage::kEnded;
  if (in_progress) run->request();
  return in_progress;
}

std::shared_ptr<EventQueue> RunBook::events(const std::string& id, const Principal* of) {
  const Entry run = visible(id, of);
  if (!run) {
    throw Failure(Code::kNotFound, "no run of that id is in progress or ended within a minute");
  }
  if (!run->replays) {
    throw Failure(Code::kConflict,
                  "this run's events cannot be read again: only those of runs begun by "
                  "POST /exec/stream?reattach=60s can");
  }
  return run->events;
}

void RunBook::cancel_all() {
  cancelling_ = true;
  const auto runs = running_;  // a cancelled run may end at once
  for (const auto& [number, run] : runs) run->request();
}

}  // namespace podium
