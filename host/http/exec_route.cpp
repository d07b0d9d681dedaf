/// POST /exec and /exec/stream: a run, and the ways its result travels.
///
///   accept  everything that can be refused at once is refused, with its true status
///   wait    for the first window: a result within it is an ordinary answer (the fast path)
///   stream  otherwise: the strategy's beats while it runs, then the result, nothing after; or,
///           where events are asked for, all that happens as it happens, from the start

#include <utility>  // Asio 1.74's awaitable.hpp uses std::exchange without it

#include "base/units.hpp"
#include "http/event_stream.hpp"
#include "http/exec_work.hpp"
#include "http/routes.hpp"

namespace podium {
namespace {

/// The fast path: an ordinary answer with its true status. A failure is thrown on and becomes one.
Task<> answer_at_once(Exchange& exchange, Work& work, Response* response) {
  exchange.access().path = Access::Path::kFast;
  if (work.error) std::rethrow_exception(work.error);
  Answer answer;
  answer.media_type = "application/json";
  if (response != nullptr) {
    response->finish(200, work.json, answer.body);
  } else {
    answer.body = work.json;
  }
  co_await exchange.answer(std::move(answer));
}

/// The last bytes of a stream. The last of events has been sent as one of them.
std::string last_piece(const Work& work, const Response& response, ResponseStream& stream) {
  std::string out;
  if (response.tells_events()) return out;
  if (work.error) {
    const LateError late = late_error(work);
    stream.finish(late.status, json_dump(late.json), out);
  } else {
    stream.finish(200, work.json, out);
  }
  return out;
}

Task<> end_answer(Exchange& exchange, const Work& work, const Response& response,
                  ResponseStream& stream) {
  if (work.done && work.error) {
    exchange.access().ended_with_error = true;
    exchange.access().error = late_error(work).what;
  }
  if (work.left) co_return;
  // Another reader may have taken over: then this stream ends without the event "end".
  const std::string last = work.queue->over() ? last_piece(work, response, stream) : std::string();
  co_await exchange.end_stream(last);
}

/// The slow path: the answer is a stream from here on, its status 200 whatever comes.
Task<> stream_answer(Exchange& exchange, Work& work, Response& response) {
  QueueReader reader(*work.queue, 0);
  const std::unique_ptr<ResponseStream> stream = co_await begin_stream(exchange, response);
  const std::function<bool()> idle = [&work] { return work.tell_position(); };
  co_await feed(exchange, reader, *stream, response.interval(), work.left, idle);
  co_await end_answer(exchange, work, response, *stream);
}

/// Waits for as long as the answer may be an ordinary one. False: it must be a stream.
Task<bool> comes_at_once(Work& work, const Response* response) {
  if (work.hearing.events) co_return false;
  std::optional<milliseconds> window;
  if (response != nullptr) window = response->first_window();
  co_await wait_until(work, window ? work.began + *window : Work::Clock::time_point::max());
  co_return work.done;
}

bool accepts_events(const RequestHead& head) {
  for (const std::string& value : head.headers.all("Accept")) {
    for (std::string_view rest = value; !rest.empty();) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      if (media_type_essence(trim_blanks(rest.substr(0, end))) == "text/event-stream") return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return false;
}

/// How long the run is to wait for its reader to come back, as the query says, within the option.
milliseconds wanted_reattach(Exchange& exchange) {
  const std::optional<std::string> text = query_value(exchange.head().query(), "reattach");
  if (!text) return milliseconds(0);
  try {
    return std::min(parse_duration(*text), exchange.config().streams.reattach);
  } catch (const Failure& failure) {
    throw failure.within("the query's reattach");
  }
}

/// Everything up to the start of the window's clock. The frame, with the request in it, is gone
/// before the wait begins.
Task<std::shared_ptr<Work>> accept(Exchange& exchange, const Response* response) {
  Hearing how;
  how.events = response != nullptr && response->tells_events();
  if (how.events) how.reattach = wanted_reattach(exchange);
  ByteShare counted;
  ExecCommand command = co_await read_command(exchange, counted);
  co_return co_await begin_work(exchange, std::move(command), std::move(counted), how);
}

/// The request from its body to the log, by that strategy.
Task<> run_request(Exchange& exchange, Response* response) {
  if (exchange.config().http.keep_alive_exec) exchange.allow_keep_alive();
  const std::shared_ptr<Work> work = co_await accept(exchange, response);
  const std::exception_ptr undelivered = co_await deliver(exchange, *work, response);
  co_await conclude(exchange, *work);
  if (undelivered) std::rethrow_exception(undelivered);
}

}  // namespace

Task<std::exception_ptr> deliver(Exchange& exchange, Work& work, Response* response) {
  const Watch watch(exchange, work);
  std::exception_ptr undelivered;
  try {
    const bool at_once = co_await comes_at_once(work, response);
    if (!work.left) {
      Task<> delivery = at_once ? answer_at_once(exchange, work, response)
                                : stream_answer(exchange, work, *response);
      co_await std::move(delivery);
    }
  } catch (...) {
    undelivered = std::current_exception();
    work.left = true;
  }
  co_return undelivered;
}

// No coroutines: their frames would only wait with the run's.

Task<> exec_route(Exchange& exchange) {
  const bool events = accepts_events(exchange.head());
  return run_request(exchange, exchange.generation()->response(events ? "/exec/stream" : "/exec"));
}

Task<> exec_stream_route(Exchange& exchange) {
  Response* response = exchange.generation()->response("/exec/stream");
  if (response == nullptr || !response->first_window()) {
    throw Failure(Code::kUnsupported,
                  "this server does not stream: no strategy that streams is configured for "
                  "/routes//exec/stream");
  }
  return run_request(exchange, response);
}

}  // namespace podium
