#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace podium {

/// Writes `text` to `fd`, giving up what it does not take within `limit`: last words, which must
/// not keep a program from its end. Allocates nothing, so it may be used after fork().
void write_within(int fd, std::string_view text, std::chrono::milliseconds limit) noexcept;

/// How many lines may wait for a LogWriter. The last tenth is kept for urgent ones.
struct LogRoom {
  std::size_t lines = 10'000;
  std::size_t bytes = 16u << 20;
};

/// Writes lines on a thread of its own, so that a reader of the log who stalls stalls nobody who
/// logs. Lines that find no room, or that `fd` refuses, are lost and counted; once half of the room
/// is free again, the line that `notice` makes of their number is written.
///
/// Any thread. `notice` is called by the writer's thread, which may outlive this object.
class LogWriter {
 public:
  using Notice = std::function<std::string(std::uint64_t lines)>;

  LogWriter(int fd, LogRoom room, Notice notice);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  /// Waits two seconds at most for what was given; what nobody has taken by then is lost.
  ~LogWriter();

  void add(std::string line, bool urgent) noexcept;
  /// Waits until everything given so far is written, `limit` at most. Whether it is.
  bool flush(std::chrono::milliseconds limit) noexcept;
  /// Lines lost since the start.
  std::uint64_t dropped() const noexcept;

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared) noexcept;

  // The thread has a share: one that is stuck in a write is left to itself at the end.
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace podium
