#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace podium::cli {

/// A line on a terminal that says what is going on and for how long, erased when it ends.
///
/// Drawn by a thread of its own, so that it moves while the caller waits. Draws nothing when `fd`
/// is no terminal.
class Progress {
 public:
  explicit Progress(int fd);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// What is going on now.
  void stage(std::string text);
  /// Erases the line for good: before anything else is written to the terminal.
  void end();

 private:
  void draw();

  const int fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::chrono::steady_clock::time_point since_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace podium::cli
