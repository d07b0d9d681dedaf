#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "base/json.hpp"
#include "cli/exec.hpp"
#include "cli/progress.hpp"

namespace podium::cli {

/// Shows what happens in a run while it happens, and keeps its result. One thread.
class LiveOutput {
 public:
  /// Output goes to the console unless that is to get JSON.
  LiveOutput(Console& console, Progress& progress) : console_(console), progress_(progress) {}

  void take(const std::string& name, const std::string& data);

  const std::string& run_id() const noexcept { return run_id_; }
  /// The object of the event "end"; null before it.
  Json& result() noexcept { return result_; }
  /// What the result's stderr has beside what was shown: warnings before it, a sentence behind it.
  void show_rest();

 private:
  void show(std::ostream& to, const Json& data);

  Console& console_;
  Progress& progress_;
  std::string run_id_, shown_errors_;
  Json result_;
  bool shown_ = false;
};

/// While it lives, the first Ctrl-C calls `cancel` on a thread of its own, and another one ends the
/// process. There may be one at a time; to be made before other threads are.
class Interrupts {
 public:
  explicit Interrupts(std::function<void()> cancel);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool came() const noexcept { return came_; }

 private:
  void listen();

  const std::function<void()> cancel_;
  std::atomic<bool> came_{false}, over_{false};
  std::thread thread_;
};

}  // namespace podium::cli
