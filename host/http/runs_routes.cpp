/// GET /runs, GET and DELETE /runs/{id}, GET /runs/{id}/events: what runs now, seen and ended by
/// its principal or the administrator.

#include <charconv>

#include "exec/run_book.hpp"
#include "http/audit.hpp"
#include "http/event_stream.hpp"
#include "http/routes.hpp"

namespace podium {
namespace {

const Principal* whose(const Exchange& exchange) {
  return exchange.sees_all() ? nullptr : &exchange.principal();
}

[[noreturn]] void unknown_run() {
  throw Failure(Code::kNotFound, "no run of that id is in progress or ended within a minute");
}

Json run_json(const RunInfo& run) {
  Json json = Json::object();
  json.set("run_id", run.id);
  json.set("lang", run.language);
  json.set("stage", to_string(run.stage));
  json.set("position", nullptr);
  if (run.position > 0) json.set("position", run.position);
  json.set("age_ms", static_cast<long long>(run.age.count()));
  json.set("principal", run.principal);
  json.set("session_id", run.session);
  if (run.started) json.set("started_ms", *run.started);
  return json;
}

std::uint64_t last_event_id(const RequestHead& head) {
  std::string text;
  if (const std::string* header = head.headers.find("Last-Event-ID")) text = *header;
  if (text.empty()) text = query_value(head.query(), "last_event_id").value_or("");
  std::uint64_t id = 0;
  const char* end = text.data() + text.size();
  if (!text.empty() && std::from_chars(text.data(), end, id).ptr != end) {
    throw Failure(Code::kInvalidArgument,
                  "Last-Event-ID must be the number of an event, as in its id line");
  }
  return id;
}

Response& event_strategy(Exchange& exchange) {
  Response* response = exchange.generation()->response("/exec/stream");
  if (response != nullptr && response->tells_events()) return *response;
  throw Failure(Code::kUnsupported,
                "this server tells no events: the strategy configured for /exec/stream does not");
}

}  // namespace

Task<> list_runs_route(Exchange& exchange) {
  Json runs = Json::array();
  for (const RunInfo& run : exchange.context().exec.book().list(whose(exchange))) {
    runs.push(run_json(run));
  }
  Json said = Json::object();
  said.set("runs", std::move(runs));
  Answer answer = json_answer(200, said);
  co_await exchange.answer(std::move(answer));
}

Task<> show_run_route(Exchange& exchange) {
  RunBook& book = exchange.context().exec.book();
  const std::optional<RunInfo> run = book.find(exchange.parameter(0), whose(exchange));
  if (!run) unknown_run();
  Answer answer = json_answer(200, run_json(*run));
  // It may be large, and is JSON already.
  if (run->end) answer.body.replace(answer.body.rfind('}'), 1, ",\"end\":" + *run->end + "}");
  co_await exchange.answer(std::move(answer));
}

Task<> cancel_run_route(Exchange& exchange) {
  const std::string id = exchange.parameter(0);
  RunBook& book = exchange.context().exec.book();
  std::optional<AdminAction> action;
  if (exchange.sees_all()) action.emplace(exchange, "run.cancel", id);
  const std::optional<RunInfo> run = book.find(id, whose(exchange));
  const std::optional<bool> cancelled = book.cancel(id, whose(exchange));
  if (action) {
    if (run) action->entry().set("owner", run->principal);
    action->came_out(!cancelled ? "not found" : *cancelled ? "ok" : "already ended");
  }
  if (!cancelled) unknown_run();
  Json said = Json::object();
  said.set("message", *cancelled ? "cancelled" : "already ended");
  said.set("run_id", id);
  Answer answer = json_answer(200, said);
  co_await exchange.answer(std::move(answer));
}

Task<> run_events_route(Exchange& exchange) {
  const std::shared_ptr<EventQueue> queue =
      exchange.context().exec.book().events(exchange.parameter(0), whose(exchange));
  Response& response = event_strategy(exchange);
  if (exchange.head().method == "HEAD") {  // takes no reader's place
    Answer head = stream_head(response);
    co_await exchange.answer(std::move(head));
    co_return;
  }
  const std::uint64_t after = last_event_id(exchange.head());
  exchange.release_request();
  QueueReader reader(*queue, after);
  if (queue->over()) {  // an EventSource takes this for the end and does not come again
    Answer nothing;
    nothing.status = 204;
    co_await exchange.answer(std::move(nothing));
    co_return;
  }
  bool left = false;
  exchange.watch([&left, queue] {
    left = true;
    queue->wake();
  });
  struct Unwatch {
    Exchange& of;
    ~Unwatch() { of.unwatch(); }
  } const unwatch{exchange};
  const std::unique_ptr<ResponseStream> stream = co_await begin_stream(exchange, response);
  const std::function<bool()> idle;
  co_await feed(exchange, reader, *stream, response.interval(), left, idle);
  if (!left) co_await exchange.end_stream("");
}

}  // namespace podium
