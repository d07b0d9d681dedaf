#include "exec/live_run.hpp"

namespace podium {

RunMailbox::RunMailbox(asio::io_context& io, const Limits& limits)
    : io_(io),
      completed_(std::make_shared<Event>(io)),
      out_("stdout", limits.output),
      err_("stderr", limits.output) {}

void RunMailbox::set_listener(std::function<void(unsigned, std::string_view)> listener) {
  listener_ = std::move(listener);
}

void RunMailbox::on_output(unsigned stream, std::string_view chunk) {
  std::lock_guard lock(mutex_);
  if (completion_) return;
  const std::string_view kept = (stream == 2 ? err_ : out_).add(chunk);
  if (!listener_ || kept.empty()) return;
  asio::post(io_, [listener = listener_, stream, text = std::string(kept)] {
    listener(stream, text);
  });
}

void RunMailbox::on_completed(Completion completion) {
  std::lock_guard lock(mutex_);
  if (completion_) return;
  completion_ = std::move(completion);
  // The event and not this object: the run may be over before the post is.
  asio::post(io_, [event = completed_] { event->set(); });
}

}  // namespace podium
