/// POST /exec: a run, and the two ways its result travels.
///
///   accept  everything that can be refused at once is refused, with its true status
///   wait    for the first window: a result within it is an ordinary answer (the fast path)
///   stream  otherwise: the strategy's beats while it runs, then the result, nothing after

#include <utility>  // Asio 1.74's awaitable.hpp uses std::exchange without it

#include <boost/asio/co_spawn.hpp>

#include "base/ids.hpp"
#include "http/audit.hpp"
#include "http/exchange.hpp"
#include "http/exec_command.hpp"
#include "http/json.hpp"
#include "http/routes.hpp"

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;

// Bodies and results beyond this are read and written as JSON on the pool: a megabyte takes
// milliseconds, which every other request would wait.
constexpr std::size_t kQuickJson = 256 * 1024;
// What is read into memory for somebody who has not said who he is.
constexpr Bytes kMaxUnknownBody = 4u << 20;

/// A run under way, shared by the run itself and by the request that waits for it.
struct Work {
  explicit Work(asio::io_context& io) : control(std::make_shared<RunControl>(io)), wake(io) {}

  void finish(std::exception_ptr failed, ExecResult made) {
    error = std::move(failed);
    if (!error) result = std::make_unique<ExecResult>(std::move(made));
    done = true;
    ended = Clock::now();
    place.reset();
    wake.cancel();
  }

  void client_left() {
    left = true;
    control->cancel();
    wake.cancel();
  }

  std::shared_ptr<RunControl> control;
  asio::steady_timer wake;
  std::unique_ptr<ExecResult> result;  // when done without error
  std::exception_ptr error;
  std::string language, session_id;
  std::unique_ptr<Quotas::Run> place;        // among the runs of its principal
  std::unique_ptr<const RunFacts> facts;  // for the audit trail
  Clock::time_point began, ended;
  bool done = false;
  bool left = false;
};

/// Listens for the client's leaving for as long as it lives.
class Watch {
 public:
  Watch(Exchange& exchange, std::shared_ptr<Work> work) : exchange_(exchange) {
    exchange.watch([work = std::move(work)] { work->client_left(); });
  }
  ~Watch() { exchange_.unwatch(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  Exchange& exchange_;
};

void check_media_type(const RequestHead& head) {
  const std::string* type = head.headers.find("Content-Type");
  if (type == nullptr || media_type_essence(*type) != "application/json") {
    throw Failure(Code::kUnsupportedMedia, "Content-Type must be application/json");
  }
}

Task<Json> parse_body(Exchange& exchange, const std::string& text) {
  JsonRules rules;
  rules.max_bytes = exchange.config().http.max_request;
  if (text.size() <= kQuickJson) co_return json_parse(text, rules);
  HttpContext& context = exchange.context();
  co_return co_await on_pool(context.io, context.pool, [&] { return json_parse(text, rules); });
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

/// Reads the body and finds out who is asking, where only the body says so. `counted` is what the
/// request is counted as from here on.
Task<ExecCommand> read_command(Exchange& exchange, ByteShare& counted) {
  check_media_type(exchange.head());
  const bool known = exchange.has_credentials();
  const bool open = exchange.needs_no_key();
  ByteShare unknown;
  std::string text;
  if (known || open) {
    text = co_await read_known_body(exchange, counted);
  } else {
    text = co_await read_unknown_body(exchange, unknown);
  }
  Json body;
  std::optional<Failure> malformed;
  try {
    body = co_await parse_body(exchange, text);
  } catch (const Failure& failure) {
    malformed = failure;
  }
  std::optional<std::string> key = take_body_key(body);
  // A body that cannot be read names no key: without one its faults are nobody's business.
  if (!known) exchange.authenticate(std::move(key));
  if (malformed) throw Failure(*malformed);
  exchange.context().exec.count_request(*exchange.generation(), counted, text.size());
  co_return parse_exec_command(body, exchange.config());
}

/// One more run of the principal, within its quota; the headers tell what is left of it.
std::unique_ptr<Quotas::Run> take_place(Exchange& exchange) {
  const Principal& principal = exchange.principal();
  const EpochMs now = epoch_ms_now();
  Ledger& ledger = exchange.context().accounts.ledger;
  Quotas::Taken taken = ledger.quotas.take(principal.id, principal.quota, now);
  const QuotaReport& report = taken.report;
  if (report.limit != 0) {
    HeaderList& headers = exchange.extra_headers();
    headers.add("RateLimit-Limit", std::to_string(report.limit));
    headers.add("RateLimit-Remaining", std::to_string(report.remaining));
    headers.add("RateLimit-Reset", std::to_string(report.reset_seconds));
    if (!report.policy.empty()) headers.add("RateLimit-Policy", report.policy);
  }
  if (!taken.run) {
    throw Failure(Code::kRateLimited, report.reason)
        .with_retry_after(std::chrono::seconds(report.reset_seconds));
  }
  ledger.key_used(principal.id, now);
  return std::move(taken.run);
}

/// Everything up to the start of the window's clock. The frame, with the request in it, is gone
/// before the wait begins.
Task<std::shared_ptr<Work>> accept(Exchange& exchange) {
  HttpContext& context = exchange.context();
  ByteShare counted;
  ExecCommand command = co_await read_command(exchange, counted);
  // A program that traces goes on with its caller's trace; one that is told another keeps that.
  const TraceContext& trace = exchange.access().trace;
  if (trace) command.environment.emplace("TRACEPARENT", trace.traceparent());
  auto place = take_place(exchange);
  auto inputs = co_await context.exec.resolve(exchange.generation(), exchange.principal(), command);
  Permit permit = context.exec.admit(*exchange.generation(), command, std::move(counted));
  exchange.release_request();

  auto work = std::make_shared<Work>(context.io);
  place->keep();
  work->place = std::move(place);
  work->facts = co_await facts_of(exchange, command);
  work->began = Clock::now();
  work->language = command.language;
  work->session_id = command.session_id;
  asio::co_spawn(context.io,
                 context.exec.run(exchange.generation(), exchange.principal(), std::move(command),
                                  std::move(inputs), std::move(permit), work->control),
                 [work](std::exception_ptr error, ExecResult result) {
                   work->finish(std::move(error), std::move(result));
                 });
  co_return work;
}

/// Returns when the work is done, the client has left (once), or at `when`.
Task<> wait_until(Work& work, Clock::time_point when) {
  const bool had_left = work.left;
  while (!work.done && work.left == had_left && Clock::now() < when) {
    work.wake.expires_at(when);
    boost::system::error_code ignored;
    co_await work.wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

Task<std::string> result_text(Exchange& exchange, const ExecResult& result) {
  if (result.out.size() + result.err.size() <= kQuickJson) co_return json_dump(exec_json(result));
  HttpContext& context = exchange.context();
  co_return co_await on_pool(context.io, context.pool,
                             [&] { return json_dump(exec_json(result)); });
}

/// The fast path: an ordinary answer with its true status. A failure is thrown on and becomes one.
Task<> answer_at_once(Exchange& exchange, Work& work, Response* response) {
  exchange.access().path = Access::Path::kFast;
  if (work.error) std::rethrow_exception(work.error);
  std::string json = co_await result_text(exchange, *work.result);
  Answer answer;
  answer.media_type = "application/json";
  if (response != nullptr) {
    response->finish(200, json, answer.body);
  } else {
    answer.body = std::move(json);
  }
  co_await exchange.answer(std::move(answer));
}

Answer stream_head(const Response& response) {
  Answer head;
  head.media_type = response.media_type();
  head.headers.add("Cache-Control", "no-store, no-transform");
  head.headers.add("X-Accel-Buffering", "no");
  return head;
}

/// A failure after the first byte, in the form of a result.
struct LateError {
  int status;
  std::string json;
};

LateError late_error(Access& access, const Work& work) {
  std::optional<Failure> failure;
  try {
    std::rethrow_exception(work.error);
  } catch (const Failure& known) {
    failure = known;
  } catch (const std::exception& unknown) {
    failure = Failure(Code::kInternal, unknown.what());
  }
  access.ended_with_error = true;
  access.error = failure->what();
  const RunStatus status =
      failure->code() == Code::kCancelled ? RunStatus::kCancelled : RunStatus::kFailed;
  const std::string session = work.session_id.empty() ? new_id() : work.session_id;
  const Json json =
      late_error_json(public_message(*failure, access.request_id), status, session);
  return {http_status(failure->code()), json_dump(json)};
}

/// Beats until the work is done or the client has left.
Task<> beat(Exchange& exchange, Work& work, ResponseStream& stream, milliseconds interval) {
  Clock::time_point next = Clock::now() + interval;
  std::string out;
  while (!work.done && !work.left) {
    co_await wait_until(work, next);
    if (work.done || work.left) break;
    out.clear();
    stream.tick(out);
    ++exchange.access().beats;
    co_await exchange.send_piece(out);
    next = std::max(next + interval, Clock::now());
  }
}

Task<> finish_stream(Exchange& exchange, Work& work, ResponseStream& stream) {
  std::string out;
  if (work.error) {
    const LateError late = late_error(exchange.access(), work);
    stream.finish(late.status, late.json, out);
  } else {
    const std::string json = co_await result_text(exchange, *work.result);
    stream.finish(200, json, out);
  }
  co_await exchange.end_stream(out);
}

/// The slow path: the answer is a stream from here on, its status 200 whatever comes.
Task<> stream_answer(Exchange& exchange, Work& work, Response& response) {
  exchange.access().path = Access::Path::kStream;
  exchange.access().interval_ms = static_cast<std::uint32_t>(response.interval().count());
  std::string first;
  const std::unique_ptr<ResponseStream> stream = response.begin(first);
  if (!first.empty()) ++exchange.access().beats;
  co_await exchange.begin_stream(stream_head(response), first);
  co_await beat(exchange, work, *stream, response.interval());
  if (work.done && !work.left) co_await finish_stream(exchange, work, *stream);
}

/// Waits for the result and delivers it on the path that its time decides.
Task<> deliver(Exchange& exchange, Work& work, Response* response) {
  std::optional<milliseconds> window;
  if (response != nullptr) window = response->first_window();
  co_await wait_until(work, window ? work.began + *window : Clock::time_point::max());
  if (work.left) co_return;
  if (work.done) {
    co_await answer_at_once(exchange, work, response);
  } else {
    co_await stream_answer(exchange, work, *response);
  }
}

void note_run(Access& access, const Work& work) {
  if (!work.result) return;
  const ExecResult& result = *work.result;
  access.run = std::make_unique<Access::Run>(
      Access::Run{result.run_id, result.session_id, work.language, to_string(result.status),
                  result.warm, result.times, work.ended});
}

}  // namespace

Task<> exec_route(Exchange& exchange) {
  if (exchange.config().http.keep_alive_exec) exchange.allow_keep_alive();
  Response* response = exchange.generation()->response("/exec");
  const std::shared_ptr<Work> work = co_await accept(exchange);
  std::exception_ptr undelivered;
  {
    const Watch watch(exchange, work);
    try {
      co_await deliver(exchange, *work, response);
    } catch (...) {
      undelivered = std::current_exception();
    }
  }
  if (!work->done) {
    // Nobody waits for the result any more, but the run owns what must be given back first.
    work->control->cancel();
    while (!work->done) co_await wait_until(*work, Clock::time_point::max());
  }
  note_run(exchange.access(), *work);
  exchange.context().accounts.ledger.audit(audit_line(exchange, *work->facts, work->result.get(),
                                                      work->error));
  if (undelivered) std::rethrow_exception(undelivered);
}

}  // namespace podium
