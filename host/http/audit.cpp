#include "http/audit.hpp"

#include "base/sha256.hpp"
#include "http/status.hpp"
#include "policy/limits.hpp"

namespace podium {
namespace {

// A megabyte takes milliseconds, which every other request would wait.
constexpr std::size_t kQuickHash = 128 * 1024;

Json limits_json(const Limits& limits) {
  return Json::object({{"wall_ms", static_cast<long long>(limits.wall.count())},
                       {"cpu_millis", limits.cpu_millis},
                       {"memory", limits.memory},
                       {"processes", limits.processes},
                       {"output", limits.output},
                       {"file_size", limits.file_size},
                       {"workspace", limits.workspace}});
}

void add_result(Json& entry, const ExecResult& result) {
  entry.set("run_id", result.run_id);
  entry.set("session_id", result.session_id);
  entry.set("status", to_string(result.status));
  entry.set("code", result.exit_code ? Json(*result.exit_code) : Json());
  entry.set("signal", result.signal.empty() ? Json() : Json(result.signal));
  entry.set("wall_ms", static_cast<long long>(result.wall_ms));
  entry.set("cpu_ms", static_cast<long long>(result.cpu_ms));
  entry.set("memory_peak", result.memory_peak);
  entry.set("files_out", result.files.size());
  if (!result.unenforced.empty()) entry.set("unenforced", result.unenforced);
}

void add_error(Json& entry, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& what) {
    entry.set("error", what.what());
  }
}

// Whoever has the administrator's key has no other name. No key has an id with a colon.
constexpr const char* kByKey = "admin:key";
constexpr const char* kBySignal = "admin:signal";

bool is_refusal(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Failure& failure) {
    return http_status(failure.code()) < 500;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

Task<std::unique_ptr<const RunFacts>> facts_of(Exchange& exchange, const ExecCommand& command) {
  auto facts = std::make_unique<RunFacts>();
  facts->time = epoch_ms_now();
  facts->language = command.language;
  facts->user_id = command.user_id;
  facts->entity_id = command.entity_id;
  facts->code_bytes = command.code.size();
  facts->files = static_cast<std::uint32_t>(command.files.size());
  facts->arguments = static_cast<std::uint32_t>(command.arguments.size());
  facts->timeout = command.timeout;
  if (command.code.size() <= kQuickHash) {
    facts->code_sha256 = sha256(command.code);
  } else {
    HttpContext& context = exchange.context();
    facts->code_sha256 =
        co_await on_pool(context.io, context.pool, [&] { return sha256(command.code); });
  }
  co_return facts;
}

Asker asker_of(Exchange& exchange) {
  const Access& access = exchange.access();
  return {access.request_id, exchange.peer_address(), exchange.principal().id,
          access.left.has_value()};
}

AuditRecord audit_line(const Asker& asker, const Config& config, const RunFacts& facts,
                       const ExecResult* result, std::exception_ptr error) {
  Json entry = Json::object({{"kind", "run"},
                             {"request_id", asker.request_id},
                             {"peer", asker.peer},
                             {"language", facts.language},
                             {"code_sha256", to_hex(facts.code_sha256)},
                             {"code_bytes", facts.code_bytes},
                             {"files_in", facts.files},
                             {"arguments", facts.arguments}});
  if (!facts.user_id.empty()) entry.set("user_id", facts.user_id);
  if (!facts.entity_id.empty()) entry.set("entity_id", facts.entity_id);
  if (const LanguageConfig* language = config.language(facts.language)) {
    entry.set("limits", limits_json(merge_limits(*language, facts.timeout)));
  }
  if (result != nullptr) {
    add_result(entry, *result);
  } else if (error) {
    entry.set("status", "error");
    add_error(entry, error);
  }
  entry.set("client_left", asker.left);
  return {facts.time, asker.principal, std::move(entry)};
}

AdminAction::AdminAction(Exchange& exchange, std::string action, std::string target)
    : exchange_(exchange),
      entry_(Json::object({{"kind", "admin"},
                           {"action", std::move(action)},
                           {"target", std::move(target)},
                           {"request_id", exchange.access().request_id},
                           {"peer", exchange.peer_address()}})) {}

void AdminAction::came_out(const std::string& status) {
  entry_.set("status", status);
  exchange_.context().accounts.ledger.audit({time_, kByKey, std::move(entry_)});
  told_ = true;
}

void AdminAction::failed(const std::exception_ptr& error) {
  if (told_) return;
  add_error(entry_, error);
  came_out(is_refusal(error) ? "refused" : "error");
}

Task<> audited(AdminAction& action, Task<> work) {
  std::exception_ptr error;
  try {
    co_await std::move(work);
  } catch (...) {
    error = std::current_exception();
  }
  if (!error) co_return;
  action.failed(error);
  std::rethrow_exception(error);
}

void add_reload(Json& entry, const Json& report) {
  if (const Json* generation = report.find("generation")) entry.set("generation", *generation);
  if (const Json* why = report.find("message")) entry.set("error", *why);
  Json changed = Json::array();
  if (const Json* changes = report.find("changes")) {
    for (const Json& change : changes->items()) changed.push(*change.find("key"));
  }
  entry.set("changed", std::move(changed));
}

AuditRecord signalled_reload(EpochMs asked, const Json& report) {
  Json entry = Json::object({{"kind", "admin"}, {"action", "reload"}, {"target", "configuration"}});
  add_reload(entry, report);
  entry.set("status", *report.find("result"));
  return {asked, kBySignal, std::move(entry)};
}

}  // namespace podium
