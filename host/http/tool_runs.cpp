#include "http/tool_runs.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <csignal>
#include <utility>

#include "base/failure.hpp"
#include "base/ids.hpp"
#include "base/units.hpp"
#include "exec/run_book.hpp"
#include "http/json.hpp"

namespace podium {
namespace {

// What a pipe takes at once.
constexpr std::size_t kPiece = 64 * 1024;
// What has printed more is put into JSON on the pool.
constexpr std::size_t kQuickEnd = 256 * 1024;

Json error_json(const std::string& message, const std::string& session) {
  return Json::object({{"status", "error"},
                       {"error", message},
                       {"stdout", ""},
                       {"stderr", ""},
                       {"files", Json::array()},
                       {"session_id", session}});
}

std::string end_text(const ExecResult& result, const std::string& why) {
  const bool completed = result.status == RunStatus::kCompleted;
  Json json = exec_json(result);
  json.set("status", completed ? "completed" : "error");
  if (!completed) json.set("error", why.empty() ? result.message : why);
  return json_dump(json);
}

/// The last answer, by a program that has ended; `why` it was ended by the host, or nothing.
Task<std::string> write_end(HttpContext& context, const ExecResult& result,
                            const std::string& why) {
  const auto write = [&] { return end_text(result, why); };
  if (result.out.size() + result.err.size() <= kQuickEnd) co_return write();
  co_return co_await on_pool(context.io, context.pool, write);
}

}  // namespace

/// One request's part of the run.
struct ToolRun::Round : Work {
  using Work::Work;
  Json failed_late(const std::string& message, RunStatus,
                   const std::string& session) const override {
    return error_json(message, session);
  }
};

ToolRun::ToolRun(std::shared_ptr<ToolRuns> all, HttpContext& context,
                 std::shared_ptr<ToolTalk> talk, milliseconds round_limit)
    : all_(std::move(all)),
      context_(context),
      talk_(std::move(talk)),
      round_limit_(round_limit),
      clock_(context.io) {}

ToolTalk::Listener ToolRun::listener() {
  // The talk is owned by the run, which this one owns for as long as it goes on.
  const auto with_self = [weak = weak_from_this()](auto what) {
    return [weak, what](auto... values) {
      if (const auto self = weak.lock()) what(*self, std::move(values)...);
    };
  };
  ToolTalk::Listener listener;
  listener.news = with_self([](ToolRun& self) { self.news(); });
  listener.refused =
      with_self([](ToolRun& self, std::string input) { self.write(std::move(input)); });
  listener.stage = with_self([](ToolRun& self, RunStage stage) {
    if (stage == RunStage::kRunning) self.set_clock(self.round_limit_, &ToolRun::out_of_time);
    if (stage == RunStage::kCollecting) self.stop_clock();
  });
  return listener;
}

void ToolRun::begun(std::shared_ptr<Work> run, Asker asker,
                    std::shared_ptr<const Generation> generation) {
  run_ = std::move(run);
  asker_ = std::move(asker);
  generation_ = std::move(generation);
  asio::co_spawn(context_.io, see_to_end(shared_from_this()), asio::detached);
}

Task<> ToolRun::see_to_end(std::shared_ptr<ToolRun> self) {
  Work& run = *self->run_;
  while (!run.done) co_await wait_until(run, Work::Clock::time_point::max());
  self->stop_clock();
  self->context_.accounts.ledger.audit(audit_line(self->asker_, self->generation_->config(),
                                                  *run.facts, run.result.get(), run.error));
  if (run.result) self->end_json_ = co_await write_end(self->context_, *run.result, self->why_);
  self->ended_ = true;
  if (self->round_ != nullptr) {
    self->tell_end();
  } else if (self->token_.empty()) {
    self->all_->leave(self);
  } else {
    self->set_clock(ToolRuns::kKept, &ToolRun::forgotten);  // its client may come back for it
  }
}

void ToolRun::tell_end() {
  round_->error = run_->error;
  round_->json = end_json_;
  finish_round();
}

std::shared_ptr<Work> ToolRun::begin_round(const StreamConfig& streams, std::string request_id,
                                           std::string client_id) {
  if (!token_.empty()) all_->forget(std::exchange(token_, {}));
  round_ = std::make_shared<Round>(context_.io, streams, run_->control);
  round_->request_id = std::move(request_id);
  round_->session_id = run_->control->session();
  round_->began = Work::Clock::now();
  client_id_ = std::move(client_id);
  if (ended_) {
    stop_clock();
    tell_end();
  } else if (talk_->open_calls().empty()) {  // otherwise give() comes first
    news();
  }
  return round_;
}

void ToolRun::end_round() {
  const std::shared_ptr<Work> round = std::exchange(round_, nullptr);
  client_id_.clear();
  // Nobody has the answer, and so nobody can go on with it.
  if (round->left && !token_.empty()) all_->forget(std::exchange(token_, {}));
  if (round->left) end("The client left.");
  if (ended_) all_->leave(shared_from_this());
}

void ToolRun::give(std::string answer) {
  talk_->gave(answer);
  if (run_->done) return;
  run_->control->resume();
  stand_still(false);
  set_clock(round_limit_, &ToolRun::out_of_time);
  write(std::move(answer));
  news();
}

void ToolRun::write(std::string input) {
  input_ += input;
  if (std::exchange(pumping_, true)) return;
  asio::co_spawn(context_.io, pump(shared_from_this()), asio::detached);
}

Task<> ToolRun::pump(std::shared_ptr<ToolRun> self) {
  const std::shared_ptr<Work> run = self->run_;
  std::string failed;
  try {
    while (self->written_ < self->input_.size() && !run->done) {
      const std::string piece = self->input_.substr(self->written_, kPiece);
      if (run->control->write_input(piece)) {
        self->written_ += piece.size();
      } else {
        co_await run->control->input_room();
      }
    }
    self->input_ = std::string();
    self->written_ = 0;
  } catch (const Failure& failure) {
    failed = failure.what();
  }
  self->pumping_ = false;
  if (!failed.empty()) self->end(failed);
}

void ToolRun::news() {
  if (run_ == nullptr || run_->done || run_->control->cancelled()) return;
  if (!talk_->fault().empty()) return end(talk_->fault());
  if (talk_->asks() && round_ != nullptr && !round_->done) ask_client();
}

void ToolRun::ask_client() {
  if (all_->stopped()) return end("This host is shutting down.");
  Json calls = Json::array();
  for (ToolCall& call : talk_->ask()) {
    calls.push(Json::object({{"id", std::move(call.id)},
                             {"name", std::move(call.name)},
                             {"input", std::move(call.input)}}));
  }
  token_ = new_id();
  Json json = Json::object({{"status", "tool_call_required"},
                            {"continuation_token", token_},
                            {"tool_calls", std::move(calls)}});
  ToolTalk::Said said = talk_->said_so_far();
  if (!said.out.empty()) json.set("partial_stdout", std::move(said.out));
  if (!said.err.empty()) json.set("partial_stderr", std::move(said.err));
  json.set("session_id", run_->control->session());
  if (stand_still(true)) run_->control->rest();
  all_->expect(token_, shared_from_this());
  set_clock(ToolRuns::kKept, &ToolRun::forgotten);
  round_->json = json_dump(json);
  finish_round();
}

void ToolRun::finish_round() {
  if (!round_->done) round_->finish();
}

void ToolRun::end(std::string why) {
  if (run_ == nullptr || run_->done) return;  // one that is not begun yet ends when it asks
  if (why_.empty()) why_ = std::move(why);
  run_->control->cancel();
}

void ToolRun::set_clock(milliseconds time, void (ToolRun::*then)()) {
  clock_.expires_after(time);
  // One that has rung already is not to be heard any more either.
  clock_.async_wait([weak = weak_from_this(), then,
                     number = ++clock_number_](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && number == self->clock_number_) (self.get()->*then)();
  });
}

void ToolRun::stop_clock() {
  ++clock_number_;
  clock_.cancel();
}

void ToolRun::out_of_time() {
  end("The program was stopped: it ran longer than its limit of " + format_duration(round_limit_) +
      " without asking for a tool; do less in one run, or find a faster way.");
}

void ToolRun::forgotten() {
  if (!token_.empty()) all_->forget(std::exchange(token_, {}));
  end("The client did not come back with the results of tools within " +
      format_duration(ToolRuns::kKept) + ".");
  if (ended_) all_->leave(shared_from_this());
}

/// What the program does while its client works would be counted by nobody. False: it goes on.
bool ToolRun::stand_still(bool still) {
  try {
    run_->control->signal(still ? SIGSTOP : SIGCONT);
  } catch (const Failure&) {
    return false;  // it has ended, or its runtime sends no signals: then it keeps its place
  }
  return true;
}

void ToolRuns::enter(const std::shared_ptr<ToolRun>& run) {
  if (runs_.size() >= kMost) {
    throw Failure(Code::kResourceExhausted,
                  "this host is full: " + std::to_string(kMost) +
                      " programs that call tools are under way; try again in 10 s")
        .with_retry_after(std::chrono::seconds(10));
  }
  runs_.insert(run);
}

void ToolRuns::leave(const std::shared_ptr<ToolRun>& run) { runs_.erase(run); }

void ToolRuns::expect(const std::string& token, const std::shared_ptr<ToolRun>& run) {
  waiting_[token] = run;
}

void ToolRuns::forget(const std::string& token) { waiting_.erase(token); }

std::shared_ptr<ToolRun> ToolRuns::find(const std::string& token,
                                        const Principal& principal) const {
  const auto found = waiting_.find(token);
  if (found == waiting_.end() || found->second->reading ||
      found->second->principal() != principal.id) {
    throw Failure(Code::kNotFound, "Execution not found or expired");
  }
  return found->second;
}

bool ToolRuns::cancel(const std::string& client_id, const Principal& principal) {
  for (const std::shared_ptr<ToolRun>& run : runs_) {
    if (run->client_id() == client_id && run->principal() == principal.id && run->heard()) {
      run->end("The client cancelled the request.");
      return true;
    }
  }
  return false;
}

void ToolRuns::stop() {
  stopped_ = true;
  const auto runs = runs_;
  for (const std::shared_ptr<ToolRun>& run : runs) {
    if (!run->heard()) run->end("This host is shutting down.");
  }
}

}  // namespace podium
