#include "cli/live_output.hpp"

#include <signal.h>
#include <unistd.h>

#include <ctime>

#include "cli/members.hpp"

namespace podium::cli {
namespace {

constexpr int kExitOfInterrupt = 128 + SIGINT;

sigset_t interrupt() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void LiveOutput::take(const std::string& name, const std::string& text) {
  const Json data = json_parse(text);
  if (name == "start") {
    run_id_ = text_member(data, "run_id");
  } else if (name == "status" && !shown_) {
    const Json* position = data.find("position");
    const bool waits = position != nullptr && position->is_integer();
    progress_.stage(text_member(data, "stage") +
                    (waits ? ", number " + std::to_string(position->integer()) : std::string()));
  } else if (name == "stdout") {
    show(console_.out, data);
  } else if (name == "stderr") {
    shown_errors_ += text_member(data, "text");
    show(console_.err, data);
  } else if (name == "dropped" && !console_.json) {
    const Json* bytes = data.find("bytes");
    console_.err << "podium: " << (bytes != nullptr ? json_dump(*bytes) : "some") << " bytes of "
                 << text_member(data, "stream") << " came too fast to be shown\n";
  } else if (name == "end") {
    result_ = data;
  }
}

void LiveOutput::show(std::ostream& to, const Json& data) {
  if (console_.json) return;
  if (!shown_) progress_.end();
  shown_ = true;
  to << text_member(data, "text") << std::flush;
}

void LiveOutput::show_rest() {
  const std::string whole = text_member(result_, "stderr");
  const std::size_t at = whole.find(shown_errors_);
  if (at == std::string::npos) {
    // It was cut, or is not the same text for another reason: what matters is how it ended.
    const std::string message = text_member(result_, "message");
    if (!message.empty()) console_.err << message << '\n';
    return;
  }
  console_.err << whole.substr(0, at) << whole.substr(at + shown_errors_.size());
}

Interrupts::Interrupts(std::function<void()> cancel) : cancel_(std::move(cancel)) {
  const sigset_t set = interrupt();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this] { listen(); });
}

Interrupts::~Interrupts() {
  over_ = true;
  thread_.join();
  const sigset_t set = interrupt();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void Interrupts::listen() {
  const sigset_t set = interrupt();
  while (!over_) {
    const timespec moment{0, 100'000'000};
    if (::sigtimedwait(&set, nullptr, &moment) != SIGINT) continue;
    if (came_.exchange(true)) ::_exit(kExitOfInterrupt);
    cancel_();
  }
}

}  // namespace podium::cli
