#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exec/tool_talk.hpp"
#include "http/audit.hpp"
#include "http/exec_work.hpp"

namespace podium {

class ToolRuns;

/// A program that calls tools of its client, over all requests that it takes: each goes on until
/// the program waits for tools again or has ended. Between them the program is stopped, and its
/// place among the runs is lent to others. I/O thread.
class ToolRun : public std::enable_shared_from_this<ToolRun> {
 public:
  ToolRun(std::shared_ptr<ToolRuns> all, HttpContext& context, std::shared_ptr<ToolTalk> talk,
          milliseconds round_limit);

  /// The run has been begun; `asker` and `generation` are of its first request.
  void begun(std::shared_ptr<Work> run, Asker asker, std::shared_ptr<const Generation> generation);
  ToolTalk::Listener listener();

  /// The part of the run that a request waits for, from now on until end_round(). `client_id` is
  /// what the client would cancel it by, or empty.
  std::shared_ptr<Work> begin_round(const StreamConfig& streams, std::string request_id,
                                    std::string client_id);
  /// The request is over.
  void end_round();

  /// The calls that have been asked are answered by this input.
  void give(std::string answer);
  const ToolTalk& talk() const noexcept { return *talk_; }
  const Work& run() const noexcept { return *run_; }
  const std::string& principal() const noexcept { return asker_.principal; }
  const std::string& client_id() const noexcept { return client_id_; }
  /// The results of a request are being put into words, on the pool: nobody else may bring any.
  bool reading = false;

  /// Whether a request waits for it.
  bool heard() const noexcept { return round_ != nullptr; }

  /// Ends the program; who asks for it later is told why.
  void end(std::string why);

 private:
  struct Round;

  static Task<> see_to_end(std::shared_ptr<ToolRun> self);
  static Task<> pump(std::shared_ptr<ToolRun> self);
  void news();
  void ask_client();
  void tell_end();
  void finish_round();
  void write(std::string input);
  void set_clock(milliseconds time, void (ToolRun::*then)());
  void stop_clock();
  void out_of_time();
  void forgotten();
  bool stand_still(bool still);

  const std::shared_ptr<ToolRuns> all_;
  HttpContext& context_;
  const std::shared_ptr<ToolTalk> talk_;
  const milliseconds round_limit_;
  std::shared_ptr<Work> run_;
  Asker asker_;
  std::shared_ptr<const Generation> generation_;
  std::shared_ptr<Work> round_;
  std::string client_id_, token_;
  std::string why_;  // the host ended it
  std::string end_json_;
  std::string input_;        // for the program
  std::size_t written_ = 0;  // of that
  bool pumping_ = false;
  bool ended_ = false;
  Timer clock_;  // of a round, or of the wait between two
  unsigned clock_number_ = 0;
};

/// Those of one server. I/O thread.
class ToolRuns : public std::enable_shared_from_this<ToolRuns> {
 public:
  /// More of them at a time are refused.
  static constexpr std::size_t kMost = 32;
  /// How long a program waits for its client.
  static constexpr milliseconds kKept{600'000};

  /// Throws Failure(kResourceExhausted) with retry_after when there are too many.
  void enter(const std::shared_ptr<ToolRun>& run);
  void leave(const std::shared_ptr<ToolRun>& run);
  /// Whoever has the token may go on with it, once.
  void expect(const std::string& token, const std::shared_ptr<ToolRun>& run);
  void forget(const std::string& token);
  /// The one who waits with that token. Throws Failure(kNotFound) when it is unknown or another's.
  std::shared_ptr<ToolRun> find(const std::string& token, const Principal& principal) const;
  /// By the id that the client gave its request. False: no such request waits.
  bool cancel(const std::string& client_id, const Principal& principal);
  /// Nobody can go on with those that wait: they end, and others when they ask.
  void stop();
  bool stopped() const noexcept { return stopped_; }
  std::size_t size() const noexcept { return runs_.size(); }

 private:
  std::set<std::shared_ptr<ToolRun>> runs_;
  std::map<std::string, std::shared_ptr<ToolRun>, std::less<>> waiting_;  // by token
  bool stopped_ = false;
};

}  // namespace podium
