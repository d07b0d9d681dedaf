#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "exec/event_queue.hpp"
#include "exec/staging.hpp"
#include "exec/text.hpp"
#include "exec/tool_talk.hpp"
#include "plugin/generation.hpp"

namespace podium {

/// What a runtime tells of one run, gathered on whatever thread it calls from.
class RunMailbox : public RunEvents {
 public:
  /// What the I/O thread does about news of the run; either may be empty.
  struct News {
    std::function<void()> compiled, input_room;
  };

  /// `told` may be nullptr: nobody hears of the run before its end. So may `talk`: the program
  /// calls no tools.
  RunMailbox(asio::io_context& io, const Limits& limits, std::shared_ptr<EventQueue> told,
             News news, std::shared_ptr<ToolTalk> talk = nullptr);

  ~RunMailbox() override;

  void on_lease(Lease& lease) override;
  void on_compiled() override;
  void on_output(unsigned stream, std::string_view chunk) override;
  void on_input_room() override;
  void on_completed(Completion completion) override;

  /// I/O thread from here on. The completion has come when the event is set.
  std::shared_ptr<Event> completed() const { return completed_; }
  Completion& completion() { return *completion_; }
  OutputText& out() { return out_; }
  OutputText& err() { return err_; }

 private:
  void keep(unsigned stream, std::string_view chunk);

  asio::io_context& io_;
  const std::shared_ptr<Event> completed_;
  const std::shared_ptr<EventQueue> told_;
  const std::shared_ptr<ToolTalk> talk_;
  const News news_;   // posted to io_
  std::mutex mutex_;  // a runtime's calls never overlap; this holds one to it
  std::optional<Completion> completion_;
  OutputText out_, err_;
};

/// Everything a run holds until it has been cleaned up. Its destructor ends the lease and removes
/// files, which may block: it is left to the pool.
struct LiveRun {
  std::shared_ptr<const Generation> generation;
  InUse::Hold id_hold, session_hold;
  std::shared_ptr<ExecService::Inputs> inputs;
  std::unique_ptr<RunFiles> files;
  std::unique_ptr<RunMailbox> mailbox;
  std::unique_ptr<Lease> lease;  // ends first
};

}  // namespace podium
