#include "exec/live_run.hpp"

namespace podium {

RunMailbox::RunMailbox(asio::io_context& io, const Limits& limits, std::shared_ptr<EventQueue> told,
                       News news, std::shared_ptr<ToolTalk> talk)
    : io_(io),
      completed_(std::make_shared<Event>(io)),
      told_(std::move(told)),
      talk_(std::move(talk)),
      news_(std::move(news)),
      out_("stdout", limits.output),
      err_("stderr", limits.output) {}

RunMailbox::~RunMailbox() {
  // A run that was not started has had no completion, and its lease is gone.
  if (told_ && !completion_) told_->set_hold(nullptr);
}

void RunMailbox::on_lease(Lease& lease) {
  if (!told_ || !lease.holds_output()) return;
  told_->set_hold([&lease](bool held) { lease.hold_output(held); });
}

void RunMailbox::on_compiled() {
  if (news_.compiled) asio::post(io_, news_.compiled);
}

void RunMailbox::on_input_room() {
  if (news_.input_room) asio::post(io_, news_.input_room);
}

void RunMailbox::on_output(unsigned stream, std::string_view chunk) {
  std::lock_guard lock(mutex_);
  if (completion_) return;
  keep(stream, talk_ && stream != 2 ? talk_->hear(chunk) : chunk);
}

void RunMailbox::keep(unsigned stream, std::string_view chunk) {
  const std::string_view kept = (stream == 2 ? err_ : out_).add(chunk);
  if (talk_) talk_->printed(stream, kept);
  if (told_ && !kept.empty()) told_->output(stream, kept);
}

void RunMailbox::on_completed(Completion completion) {
  std::lock_guard lock(mutex_);
  if (completion_) return;
  if (talk_) keep(1, talk_->rest());
  if (told_) told_->set_hold(nullptr);
  completion_ = std::move(completion);
  // The event and not this object: the run may be over before the post is.
  asio::post(io_, [event = completed_] { event->set(); });
}

}  // namespace podium
