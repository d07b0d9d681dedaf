#include "http/exec_work.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/ids.hpp"
#include "exec/run_book.hpp"
#include "exec/tool_talk.hpp"
#include "http/exec_command.hpp"
#include "http/json.hpp"

namespace podium {
namespace {

// Bodies and results beyond this are read and written as JSON on the pool: a megabyte takes
// milliseconds, which every other request would wait.
constexpr std::size_t kQuickJson = 256 * 1024;
// A thousand references to files have about six thousand.
constexpr std::size_t kMostValues = 50'000;
// What is read into memory for somebody who has not said who he is.
constexpr Bytes kMaxUnknownBody = 4u << 20;
// How often a run without a reader looks whether there is one again.
constexpr milliseconds kLookForReader{250};

QueueBounds bounds_of(const StreamConfig& streams, const Hearing& how) {
  return {streams.waiting, streams.hold, how.reattach.count() > 0 ? streams.replay : 0};
}

void check_media_type(const RequestHead& head) {
  const std::string* type = head.headers.find("Content-Type");
  if (type == nullptr || media_type_essence(*type) != "application/json") {
    throw Failure(Code::kUnsupportedMedia, "Content-Type must be application/json");
  }
}

Task<Json> parse_body(Exchange& exchange, const std::string& text, std::size_t most_values) {
  JsonRules rules;
  rules.max_bytes = exchange.config().http.max_request;
  rules.max_values = most_values;
  if (text.size() <= kQuickJson) co_return json_parse(text, rules);
  HttpContext& context = exchange.context();
  const auto parse = [&] { return json_parse(text, rules); };
  co_return co_await on_pool(context.io, context.pool, parse);
}

/// The body of one who is known, counted as a request from before its first byte when its length
/// was announced: who could not be taken is told at once.
Task<std::string> read_known_body(Exchange& exchange, ByteShare& counted) {
  const std::shared_ptr<const Generation>& generation = exchange.generation();
  const Bytes most = exchange.config().http.max_request;
  const Bytes announced = exchange.head().content_length.value_or(0);
  const std::function<void(Bytes)> count = [&](Bytes bytes) {
    exchange.context().exec.count_request(*generation, counted, std::max(bytes, announced));
  };
  exchange.body().limit(most);
  count(announced);
  co_return co_await exchange.read_body(most, count);
}

/// The body of one who may be anybody. All of them share one budget, of which each has what has
/// arrived: announcing much must not keep others out.
Task<std::string> read_unknown_body(Exchange& exchange, ByteShare& share) {
  const HttpConfig& http = exchange.config().http;
  share = ByteShare(exchange.server().unknown_bodies);
  const std::function<void(Bytes)> count = [&](Bytes bytes) {
    if (share.resize(bytes, http.unknown_bodies)) return;
    throw Failure(Code::kResourceExhausted,
                  "too many bodies are being read of senders who have not said who they are; send "
                  "the key in a header, X-API-Key or Authorization, or try again in 1 s")
        .with_retry_after(std::chrono::seconds(1));
  };
  co_return co_await exchange.read_body(std::min(http.max_request, kMaxUnknownBody), count);
}

/// JSON that has come: finds out who is asking where only it says so.
Task<Json> take_json(Exchange& exchange, std::string text, ByteShare& counted,
                     std::size_t most_values) {
  Json body;
  std::optional<Failure> malformed;
  try {
    body = co_await parse_body(exchange, text, most_values);
  } catch (const Failure& failure) {
    malformed = failure;
  }
  std::optional<std::string> key = take_body_key(body);
  // A body that cannot be read names no key: without one its faults are nobody's business.
  if (!exchange.has_credentials()) exchange.authenticate(std::move(key));
  if (malformed) throw Failure(*malformed);
  exchange.context().exec.count_request(*exchange.generation(), counted, text.size());
  co_return body;
}

void check_type(const Json& body) {
  const Json* type = body.find("type");
  if (type != nullptr && type->is_string() && type->string() == "run") return;
  throw Failure(Code::kUnprocessable,
                "the first message must have \"type\": \"run\" and the fields "
                "of POST /exec");
}

/// One more run of the principal, within its quota; the headers tell what is left of it.
std::unique_ptr<Quotas::Run> take_place(Exchange& exchange) {
  const Principal& principal = exchange.principal();
  const EpochMs now = epoch_ms_now();
  Ledger& ledger = exchange.context().accounts.ledger;
  Quotas::Taken taken = ledger.quotas.take(principal.id, principal.quota, now);
  const QuotaReport& report = taken.report;
  add_quota(exchange.extra_headers(), report);
  if (!taken.run) {
    throw Failure(Code::kRateLimited, report.reason)
        .with_retry_after(std::chrono::seconds(report.reset_seconds));
  }
  ledger.key_used(principal.id, now);
  return std::move(taken.run);
}

}  // namespace

void add_quota(HeaderList& headers, const QuotaReport& report) {
  if (report.limit == 0) return;
  headers.add("RateLimit-Limit", std::to_string(report.limit));
  headers.add("RateLimit-Remaining", std::to_string(report.remaining));
  headers.add("RateLimit-Reset", std::to_string(report.reset_seconds));
  if (!report.policy.empty()) headers.add("RateLimit-Policy", report.policy);
}

namespace {

std::string status_json(RunStage stage, unsigned position, Work::Clock::time_point began) {
  Json status = Json::object({{"stage", to_string(stage)}});
  if (position > 0) status.set("position", position);
  const auto at = std::chrono::duration_cast<milliseconds>(Work::Clock::now() - began);
  status.set("at_ms", static_cast<long long>(at.count()));
  return json_dump(status);
}

/// Makes the run tell its stages as events, "start" before them.
void listen(Work& work) {
  Json start = Json::object({{"lang", work.facts->language}, {"request_id", work.request_id}});
  if (work.hearing.reattach.count() > 0) {
    start.set("reattach_ms", static_cast<long long>(work.hearing.reattach.count()));
  }
  // The control outlives its listener, which run() drops.
  work.control->on_stage([control = work.control.get(), queue = work.queue,
                          start = std::move(start), began = work.began](RunStage stage) mutable {
    if (stage == RunStage::kQueued) {
      start.set("run_id", control->id()).set("session_id", control->session());
      queue->add("start", json_dump(start));
    }
    const unsigned position = stage == RunStage::kQueued ? control->position() : 0;
    if (stage == RunStage::kQueued && position == 0) return;  // it need not wait
    if (stage == RunStage::kCollecting) queue->end_output();
    queue->add("status", status_json(stage, position, began));
  });
  work.control->set_events(work.queue, work.hearing.reattach.count() > 0);
}

Task<std::string> write_json(HttpContext& context, const ExecResult& result) {
  const auto write = [&result] { return json_dump(exec_json(result)); };
  if (result.out.size() + result.err.size() <= kQuickJson) co_return write();
  co_return co_await on_pool(context.io, context.pool, write);
}

Task<> keep_end(HttpContext& context, const Work& work) {
  // Who waits for the answer goes first; what is kept for those who ask later can be copied then.
  co_await asio::post(context.io, use_awaitable);
  context.exec.keep_end(*work.control, work.end_json());
}

/// The run, then everything that is told of its end.
Task<> carry_out(HttpContext& context, Task<std::unique_ptr<ExecResult>> running,
                 std::shared_ptr<Work> work) {
  try {
    work->result = co_await std::move(running);
    work->json = co_await write_json(context, *work->result);
  } catch (...) {
    work->error = std::current_exception();
  }
  work->finish();
  co_await keep_end(context, *work);
}

/// Waits for as long as somebody reads the run's events, or may come to.
Task<> await_readers(Work& work) {
  Work::Clock::time_point unread_since = Work::Clock::now();
  while (!work.done && Work::Clock::now() - unread_since < work.hearing.reattach) {
    co_await wait_until(work, Work::Clock::now() + kLookForReader);
    if (work.queue->attached()) unread_since = Work::Clock::now();
  }
}

}  // namespace

Work::Work(asio::io_context& io, const StreamConfig& streams, Hearing how)
    : hearing(how),
      control(std::make_shared<RunControl>(io)),
      queue(std::make_shared<EventQueue>(io, bounds_of(streams, how))) {}

Work::Work(asio::io_context& io, const StreamConfig& streams, std::shared_ptr<RunControl> of)
    : control(std::move(of)),
      queue(std::make_shared<EventQueue>(io, bounds_of(streams, Hearing()))) {}

Json Work::failed_late(const std::string& message, RunStatus status,
                       const std::string& session) const {
  return late_error_json(message, status, session);
}

void Work::finish() {
  done = true;
  ended = Clock::now();
  place.reset();
  if (hearing.events) tell_end();
  queue->close();
  if (wake != nullptr) wake->cancel();
}

void Work::tell_end() {
  queue->end_output();
  if (result) {
    for (const ResultFile& file : result->files) {
      queue->add("file", json_dump(result_file_json(file)));
    }
  }
  queue->add("end", end_json());
}

// Thousands may wait, and every run that ends moves them all.
constexpr std::chrono::seconds kPositionAgain{1};

bool Work::tell_position() {
  if (!hearing.events) return false;
  const Clock::time_point now = Clock::now();
  if (now - position_told_at_ < kPositionAgain) return false;
  const unsigned position = control->position();
  if (position == 0 || position == position_told_) return false;
  const bool first = std::exchange(position_told_, position) == 0;
  if (first && now - began < kPositionAgain) return false;  // "queued" has just said it
  position_told_at_ = now;
  queue->add("status", status_json(RunStage::kQueued, position, began));
  return true;
}

std::string Work::end_json() const {
  const std::string id = "{\"run_id\":" + json_quote(control->id()) + ",";
  return id + (result && !error ? json : json_dump(late_error(*this).json)).substr(1);
}

void Work::client_left() {
  left = true;
  if (hearing.reattach.count() == 0) control->cancel();
  if (wake != nullptr) wake->cancel();
  queue->wake();
}

Task<Json> read_json(Exchange& exchange, ByteShare& counted, std::size_t most_values) {
  check_media_type(exchange.head());
  ByteShare unknown;
  std::string text;
  if (exchange.has_credentials() || exchange.needs_no_key()) {
    text = co_await read_known_body(exchange, counted);
  } else {
    text = co_await read_unknown_body(exchange, unknown);
  }
  co_return co_await take_json(exchange, std::move(text), counted, most_values);
}

Task<ExecCommand> read_command(Exchange& exchange, ByteShare& counted) {
  const Json body = co_await read_json(exchange, counted, kMostValues);
  co_return parse_exec_command(body, exchange.config());
}

Task<ExecCommand> take_message(Exchange& exchange, std::string text, ByteShare& counted) {
  const Json message = co_await take_json(exchange, std::move(text), counted, kMostValues);
  check_type(message);
  co_return parse_exec_command(message, exchange.config());
}

Task<std::shared_ptr<Work>> begin_work(Exchange& exchange, ExecCommand command, ByteShare counted,
                                       Hearing how) {
  HttpContext& context = exchange.context();
  // A program that traces goes on with its caller's trace; one that is told another keeps that.
  const TraceContext* trace = exchange.access().trace.get();
  if (trace != nullptr) command.environment.emplace("TRACEPARENT", trace->traceparent());
  auto place = take_place(exchange);
  auto inputs = co_await context.exec.resolve(exchange.generation(), exchange.principal(), command);
  Permit permit = context.exec.admit(*exchange.generation(), command, std::move(counted));
  exchange.release_request();

  auto work = std::make_shared<Work>(context.io, exchange.config().streams, how);
  context.exec.book().set_kept(exchange.config().streams.kept);
  place->keep();
  work->place = std::move(place);
  work->facts = co_await facts_of(exchange, command);
  work->began = Work::Clock::now();
  work->session_id = command.session_id;
  work->request_id = exchange.access().request_id;
  if (how.events) listen(*work);
  if (how.open_input) work->control->open_input();
  if (command.talk) work->control->on_stage(command.talk->listener().stage);
  Task<std::unique_ptr<ExecResult>> running =
      context.exec.run(exchange.generation(), exchange.principal(), std::move(command),
                       std::move(inputs), std::move(permit), work->control);
  asio::co_spawn(context.io, carry_out(context, std::move(running), work), asio::detached);
  // It goes to its sandbox first: what is left to do here is done beside it.
  co_await asio::post(context.io, use_awaitable);
  co_return work;
}

Task<> wait_until(Work& work, Work::Clock::time_point when) {
  const bool had_left = work.left;
  const IoExecutor here = co_await asio::this_coro::executor;
  Timer timer(here);  // not the work's: it is needed for moments, and thousands may wait for hours
  work.wake = &timer;
  while (!work.done && work.left == had_left && Work::Clock::now() < when) {
    timer.expires_at(when);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
  }
  work.wake = nullptr;
}

void note_run(Access& access, const Work& work) {
  if (!work.result) return;
  const ExecResult& result = *work.result;
  access.run = std::make_unique<Access::Run>(
      Access::Run{result.run_id, result.session_id, work.facts->language, to_string(result.status),
                  result.warm, result.times, work.ended});
}

Task<> conclude(Exchange& exchange, Work& work) {
  // This client has left, or another reader has taken its place.
  if (!work.done && work.hearing.reattach.count() > 0) co_await await_readers(work);
  if (!work.done) {
    // Nobody waits for the result any more, but the run owns what must be given back first.
    work.control->cancel();
    while (!work.done) co_await wait_until(work, Work::Clock::time_point::max());
  }
  note_run(exchange.access(), work);
  exchange.context().accounts.ledger.audit(audit_line(asker_of(exchange), exchange.config(),
                                                      *work.facts, work.result.get(), work.error));
}

LateError late_error(const Work& work) {
  std::optional<Failure> failure;
  try {
    std::rethrow_exception(work.error);
  } catch (const Failure& known) {
    failure = known;
  } catch (const std::exception& unknown) {
    failure = Failure(Code::kInternal, unknown.what());
  }
  const RunStatus status =
      failure->code() == Code::kCancelled ? RunStatus::kCancelled : RunStatus::kFailed;
  std::string session = work.session_id.empty() ? work.control->session() : work.session_id;
  if (session.empty()) session = new_id();
  return {http_status(failure->code()),
          work.failed_late(public_message(*failure, work.request_id), status, session),
          failure->what()};
}

}  // namespace podium
