#include "cli/progress.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <string_view>

namespace podium::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<std::string_view, 4> kFrames{"|", "/", "-", "\\"};
constexpr std::chrono::milliseconds kPeriod{120};
constexpr std::string_view kErase = "\r\x1b[K";

void put(int fd, std::string_view text) {
  // A terminal that takes nothing is no reason to fail.
  [[maybe_unused]] const ssize_t ignored = ::write(fd, text.data(), text.size());
}

}  // namespace

Progress::Progress(int fd) : fd_(fd) {
  if (::isatty(fd_) == 1) thread_ = std::thread([this] { draw(); });
}

Progress::~Progress() { end(); }

void Progress::stage(std::string text) {
  std::lock_guard lock(mutex_);
  if (text_.empty() || text.substr(0, text.find(' ')) != text_.substr(0, text_.find(' '))) {
    since_ = Clock::now();  // another activity, not only another percentage
  }
  text_ = std::move(text);
}

void Progress::end() {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Progress::draw() {
  std::unique_lock lock(mutex_);
  bool drawn = false;
  for (std::size_t frame = 0; !changed_.wait_for(lock, kPeriod, [this] { return ended_; });
       ++frame) {
    if (text_.empty()) continue;
    const double seconds = std::chrono::duration<double>(Clock::now() - since_).count();
    std::array<char, 32> took;
    std::snprintf(took.data(), took.size(), " %.1f s", seconds);
    std::string line(kErase);
    line.append(kFrames[frame % kFrames.size()]).append(" ").append(text_).append(took.data());
    put(fd_, line);
    drawn = true;
  }
  if (drawn) put(fd_, kErase);
}

}  // namespace podium::cli
