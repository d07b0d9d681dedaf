/// /api/v1/admin/backup, /api/v1/admin/reload and /api/v1/admin/config: what the administrator may
/// do to the daemon.

#include "http/audit.hpp"
#include "http/control.hpp"
#include "http/exchange.hpp"
#include "http/routes.hpp"

namespace podium {
namespace {

constexpr Bytes kMaxConfigBody = 4u << 20;  // a config file of 1 MiB, escaped

DaemonControl& control_of(Exchange& exchange) {
  DaemonControl* control = exchange.context().control;
  if (control != nullptr) return *control;
  throw Failure(Code::kUnavailable, "this server has no daemon to control");
}

/// What a reload that goes on on another thread tells, also after the client has gone.
struct Pending {
  explicit Pending(asio::io_context& io) : done(io) {}
  Event done;
  DaemonControl::Outcome outcome;
};

Task<> back_up(Exchange& exchange, AdminAction& action) {
  HttpContext& context = exchange.context();
  context.log.info("a backup was asked for", {{"peer", exchange.peer_address()},
                                              {"request_id", exchange.access().request_id}});
  auto work = [&] { return context.sessions.back_up(); };
  const Backup backup = co_await on_pool(context.io, context.pool, work);
  action.entry().set("target", backup.file.string());
  action.came_out("ok");
  const Json body = Json::object({{"file", backup.file.string()},
                                  {"bytes", backup.size},
                                  {"made_at", iso8601(epoch_ms_now())}});
  co_await exchange.answer(json_answer(200, body));
}

Task<> reload(Exchange& exchange, AdminAction& action) {
  DaemonControl& control = control_of(exchange);
  asio::io_context& io = exchange.context().io;
  auto pending = std::make_shared<Pending>(io);
  exchange.context().log.info(
      "a reload was asked for over HTTP",
      {{"peer", exchange.peer_address()}, {"request_id", exchange.access().request_id}});
  control.reload([pending, &io](DaemonControl::Outcome outcome) {
    asio::post(io, [pending, outcome = std::move(outcome)]() mutable {
      pending->outcome = std::move(outcome);
      pending->done.set();
    });
  });
  co_await pending->done.wait();
  const DaemonControl::Outcome& outcome = pending->outcome;
  add_reload(action.entry(), outcome.body);
  action.came_out(outcome.body.find("result")->string());
  Answer answer = json_answer(outcome.status, outcome.body);
  co_await exchange.answer(std::move(answer));
}

}  // namespace

/// Nobody else can open the database while the daemon has it (decision 40).
Task<> backup_route(Exchange& exchange) {
  AdminAction action(exchange, "backup", "");
  Task<> work = back_up(exchange, action);
  co_await audited(action, std::move(work));
}

Task<> reload_route(Exchange& exchange) {
  AdminAction action(exchange, "reload", "configuration");
  Task<> work = reload(exchange, action);
  co_await audited(action, std::move(work));
}

Task<> show_config_route(Exchange& exchange) {
  const Json body = control_of(exchange).configuration();
  co_await exchange.answer(json_answer(200, body));
}

/// The body, which may be empty, is the text of a config file.
Task<> config_difference_route(Exchange& exchange) {
  DaemonControl& control = control_of(exchange);
  const std::function<void(Bytes)> any = [](Bytes) {};  // the administrator is known
  const std::string text = co_await exchange.read_body(kMaxConfigBody, any);
  HttpContext& context = exchange.context();
  auto work = [&] { return control.difference(text.empty() ? nullptr : &text); };
  const Json body = co_await on_pool(context.io, context.pool, work);
  co_await exchange.answer(json_answer(200, body));
}

}  // namespace podium
