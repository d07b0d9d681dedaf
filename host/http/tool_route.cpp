/// POST /exec/programmatic: a program that calls tools of its client. The first request begins it,
/// each further one brings the results of what it has called; all are answered when it calls again
/// or has ended.

#include <utility>  // Asio 1.74's awaitable.hpp uses std::exchange without it

#include "base/failure.hpp"
#include "http/exec_work.hpp"
#include "http/routes.hpp"
#include "http/tool_command.hpp"
#include "http/tool_runs.hpp"
#include "policy/limits.hpp"

namespace podium {
namespace {

constexpr const char* kClientId = "X-LibreChat-Code-Request-ID";
// Results of more bytes are put into words on the pool.
constexpr std::size_t kQuickResults = 256 * 1024;
// Tables have many small ones.
constexpr std::size_t kMostValues = 400'000;

std::string client_id(Exchange& exchange) {
  const std::string* given = exchange.head().headers.find(kClientId);
  if (given == nullptr) return {};
  std::string id = request_id_or_nothing(*given);
  if (id.empty()) {
    throw Failure(Code::kInvalidArgument,
                  std::string(kClientId) + " must be 1 to 128 printable characters");
  }
  return id;
}

Task<std::shared_ptr<ToolRun>> begin(Exchange& exchange, ToolCommand what, ByteShare counted) {
  HttpContext& context = exchange.context();
  const std::shared_ptr<ToolRuns>& all = exchange.server().tool_runs;
  const LanguageConfig& language = *exchange.config().language(what.command.language);
  const milliseconds limit = merge_limits(language, what.command.timeout).wall;
  const auto talk = std::make_shared<ToolTalk>(context.io, what.language, std::move(what.tools));
  const auto run = std::make_shared<ToolRun>(all, context, talk, limit);
  talk->set_listener(run->listener());
  what.command.talk = talk;
  all->enter(run);
  Hearing how;
  how.open_input = true;
  try {
    auto work = co_await begin_work(exchange, std::move(what.command), std::move(counted), how);
    run->begun(std::move(work), asker_of(exchange), exchange.generation());
  } catch (...) {
    all->leave(run);
    throw;
  }
  co_return run;
}

/// While it lives the token of the program is good for nobody else.
class Reading {
 public:
  explicit Reading(ToolRun& run) : run_(run) { run.reading = true; }
  ~Reading() { run_.reading = false; }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  ToolRun& run_;
};

/// The results in the program's words. Throws Failure: kNotFound for a token that is unknown or
/// another's, and what ToolTalk::answer throws; the token is good for another request then.
Task<std::string> words_of(Exchange& exchange, const ToolAnswers& answers, std::size_t bytes) {
  HttpContext& context = exchange.context();
  const auto run = exchange.server().tool_runs->find(answers.token, exchange.principal());
  const auto put = [&] { return run->talk().answer(answers.results); };
  if (bytes <= kQuickResults) co_return put();
  const Reading reading(*run);
  std::string words = co_await on_pool(context.io, context.pool, put);
  co_return words;
}

Answer cancel_answer(bool asked) {
  const char* status = asked ? "cancellation_requested" : "already_completed";
  return json_answer(asked ? 202 : 200, Json::object({{"status", status}}));
}

}  // namespace

Task<> tool_route(Exchange& exchange) {
  std::string id = client_id(exchange);
  ByteShare counted;
  Json body = co_await read_json(exchange, counted, kMostValues);
  std::optional<ToolAnswers> answers = parse_tool_answers(body);
  std::shared_ptr<ToolRun> run;
  std::string words;
  if (answers) {
    body = Json();
    words = co_await words_of(exchange, *answers, counted.bytes());
    // Again: somebody else may have come with the same token meanwhile.
    run = exchange.server().tool_runs->find(answers->token, exchange.principal());
    answers->results = {};
    exchange.release_request();
  } else {
    ToolCommand what = parse_tool_command(std::move(body), exchange.config());
    run = co_await begin(exchange, std::move(what), std::move(counted));
  }
  const std::shared_ptr<Work> round =
      run->begin_round(exchange.config().streams, exchange.access().request_id, std::move(id));
  if (answers) run->give(std::move(words));
  Response* response = exchange.generation()->response("/exec");
  const std::exception_ptr undelivered = co_await deliver(exchange, *round, response);
  if (round->left) run->end("The client left.");
  while (!round->done) co_await wait_until(*round, Work::Clock::time_point::max());
  if (run->run().done) note_run(exchange.access(), run->run());
  run->end_round();
  if (undelivered) std::rethrow_exception(undelivered);
}

Task<> cancel_tool_route(Exchange& exchange) {
  ByteShare counted;
  const Json body = co_await read_json(exchange, counted, kMostValues);
  const Json* given = body.find("request_id");
  const std::string id =
      given != nullptr && given->is_string() ? request_id_or_nothing(given->string()) : "";
  if (id.empty()) {
    throw Failure(
        Code::kInvalidArgument,
        "request_id must be the id that a request had in its header " + std::string(kClientId))
        .with_field({"request_id", "must be 1 to 128 printable characters", "value"});
  }
  Answer answer = cancel_answer(exchange.server().tool_runs->cancel(id, exchange.principal()));
  co_await exchange.answer(std::move(answer));
}

}  // namespace podium
