/// /api/v1/admin: keys and the audit trail, for the administrator's key.

#include <charconv>

#include "base/ids.hpp"
#include "http/audit.hpp"
#include "http/exchange.hpp"
#include "http/routes.hpp"

namespace podium {
namespace {

constexpr Bytes kMaxBody = 64 * 1024;
constexpr std::size_t kMaxName = 256;
constexpr unsigned kMaxLines = 1000;

/// The words of the API for the periods of a quota.
struct Limit {
  const char* name;
  std::uint32_t QuotaConfig::*member;
};
constexpr Limit kLimits[] = {
    {"per_second", &QuotaConfig::second}, {"per_minute", &QuotaConfig::minute},
    {"hourly", &QuotaConfig::hour},       {"daily", &QuotaConfig::day},
    {"monthly", &QuotaConfig::month},     {"concurrent", &QuotaConfig::concurrent}};

[[noreturn]] void wrong(const std::string& field, const std::string& expected) {
  throw Failure(Code::kUnprocessable, field + " must be " + expected)
      .with_field({field, "must be " + expected, "value"});
}

std::string text_of(const Json& value, const std::string& field) {
  if (!value.is_string() || value.string().size() > kMaxName ||
      value.string().find('\0') != std::string::npos) {
    wrong(field, "a string of at most 256 bytes");
  }
  return value.string();
}

bool flag_of(const Json& value, const std::string& field) {
  if (!value.is_bool()) wrong(field, "true or false");
  return value.boolean();
}

/// Members that are not named keep what `quota` says; null and 0 stand for no bound.
QuotaConfig limits_of(const Json& value, QuotaConfig quota) {
  if (!value.is_object()) wrong("rate_limits", "an object or null");
  for (const auto& [name, bound] : value.members()) {
    const Limit* known = nullptr;
    for (const Limit& limit : kLimits) {
      if (name == limit.name) known = &limit;
    }
    const std::string field = "rate_limits." + name;
    if (known == nullptr) {
      wrong(field, "one of per_second, per_minute, hourly, daily, monthly, concurrent");
    }
    if (!bound.is_null() &&
        (!bound.is_integer() || bound.integer() < 0 || bound.integer() > 1'000'000'000)) {
      wrong(field, "a whole number from 0 to 1000000000, or null");
    }
    quota.*known->member = bound.is_null() ? 0 : static_cast<std::uint32_t>(bound.integer());
  }
  return quota;
}

Json limits_json(const std::optional<QuotaConfig>& quota) {
  if (!quota) return {};
  Json json = Json::object();
  for (const Limit& limit : kLimits) {
    const std::uint32_t bound = (*quota).*limit.member;
    json.set(limit.name, bound == 0 ? Json() : Json(bound));
  }
  return json;
}

Json time_json(EpochMs time) { return time == 0 ? Json() : Json(iso8601(time)); }

Json key_json(const KeyConfig& key, const Quotas& quotas) {
  const EpochMs now = epoch_ms_now();
  Json usage = Json::object();
  for (const Period period : {Period::kHour, Period::kDay, Period::kMonth}) {
    usage.set(to_string(period), quotas.used(key.id, period, now));
  }
  return Json::object({{"id", key.id},
                       {"key_hash", key.sha256},
                       {"name", key.name.empty() ? key.id : key.name},
                       {"tenant", key.tenant},
                       {"enabled", !key.disabled},
                       {"rate_limits", limits_json(key.quota)},
                       {"created_at", time_json(key.created)},
                       {"last_used_at", time_json(key.used)},
                       {"usage_count", quotas.used(key.id, Period::kMonth, now)},
                       {"usage", std::move(usage)},
                       {"source", key.in_file ? "file" : "database"}});
}

/// Everything of a body that changes a key. `id` and `metadata` are for whoever makes one.
void apply(const Json& body, bool making, KeyConfig& key) {
  for (const auto& [name, value] : body.members()) {
    if (name == "name") {
      key.name = text_of(value, name);
    } else if (name == "tenant") {
      key.tenant = text_of(value, name);
    } else if (name == "enabled") {
      key.disabled = !flag_of(value, name);
    } else if (name == "rate_limits" && value.is_null()) {
      key.quota.reset();
    } else if (name == "rate_limits") {
      key.quota = limits_of(value, key.quota.value_or(QuotaConfig{}));
    } else if (!making || (name != "id" && name != "metadata")) {
      wrong(name, making ? "one of id, name, tenant, enabled, rate_limits"
                         : "one of name, tenant, enabled, rate_limits");
    }
  }
}

Task<Json> read_object(Exchange& exchange) {
  const std::string* type = exchange.head().headers.find("Content-Type");
  if (type == nullptr || media_type_essence(*type) != "application/json") {
    throw Failure(Code::kUnsupportedMedia, "Content-Type must be application/json");
  }
  const std::function<void(Bytes)> any = [](Bytes) {};  // small, and the sender is known
  const std::string text = co_await exchange.read_body(kMaxBody, any);
  Json body = json_parse(text);
  if (!body.is_object()) wrong("the body", "an object");
  co_return body;
}

/// The log and the audit trail say what was done.
void note(Exchange& exchange, AdminAction& action, const char* what, const KeyConfig& key) {
  action.entry().set("target", key.id);
  action.came_out("ok");
  exchange.context().log.info(what, {{"key", key.id},
                                     {"peer", exchange.peer_address()},
                                     {"request_id", exchange.access().request_id}});
}

const Quotas& quotas_of(Exchange& exchange) { return exchange.context().accounts.ledger.quotas; }

std::int64_t number_in_query(const Exchange& exchange, const char* name, std::int64_t otherwise) {
  const auto text = query_value(exchange.head().query(), name);
  if (!text) return otherwise;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number < 0) {
    wrong(name, "a whole number");
  }
  return number;
}

/// Of a body that apply() has taken; its metadata are the client's own business.
Json changes_of(const Json& body) {
  Json changes = Json::object();
  for (const auto& [name, value] : body.members()) {
    if (name != "id" && name != "metadata") changes.set(name, value);
  }
  return changes;
}

Task<> create_key(Exchange& exchange, AdminAction& action) {
  const Json body = co_await read_object(exchange);
  KeyConfig key;
  apply(body, true, key);
  if (const Json* id = body.find("id")) {
    key.id = text_of(*id, "id");
  } else {
    key.id = is_key_id(key.name) ? key.name : new_id();
  }
  action.entry().set("target", key.id);
  action.entry().set("changes", changes_of(body));
  HttpContext& context = exchange.context();
  auto work = [&] { return context.accounts.keys.create(key); };
  const NewKey made = co_await on_pool(context.io, context.pool, work);
  note(exchange, action, "a key was made", made.entry);
  const Json answer =
      Json::object({{"api_key", made.key}, {"record", key_json(made.entry, quotas_of(exchange))}});
  co_await exchange.answer(json_answer(200, answer));
}

Task<> change_key(Exchange& exchange, AdminAction& action, const std::string& id) {
  const Json body = co_await read_object(exchange);
  KeyConfig draft;
  apply(body, false, draft);  // throws before the trail has what is wrong
  action.entry().set("changes", changes_of(body));
  HttpContext& context = exchange.context();
  auto work = [&] {
    return context.accounts.keys.change(id, [&](KeyConfig& entry) { apply(body, false, entry); });
  };
  const KeyConfig key = co_await on_pool(context.io, context.pool, work);
  note(exchange, action, "a key was changed", key);
  co_await exchange.answer(json_answer(200, key_json(key, quotas_of(exchange))));
}

Task<> delete_key(Exchange& exchange, AdminAction& action, const std::string& id) {
  HttpContext& context = exchange.context();
  auto work = [&] { return context.accounts.keys.remove(id); };
  const KeyConfig key = co_await on_pool(context.io, context.pool, work);
  note(exchange, action, "a key was deleted", key);
  const Json answer = Json::object({{"message", "Key deleted successfully"}, {"id", key.id}});
  co_await exchange.answer(json_answer(200, answer));
}

}  // namespace

Task<> list_keys_route(Exchange& exchange) {
  Json list = Json::array();
  for (const KeyConfig& key : exchange.context().accounts.keys.list()) {
    list.push(key_json(key, quotas_of(exchange)));
  }
  co_await exchange.answer(json_answer(200, list));
}

Task<> create_key_route(Exchange& exchange) {
  AdminAction action(exchange, "key.create", "");
  Task<> work = create_key(exchange, action);
  co_await audited(action, std::move(work));
}

Task<> show_key_route(Exchange& exchange) {
  const KeyConfig key = exchange.context().accounts.keys.find(exchange.parameter(0));
  co_await exchange.answer(json_answer(200, key_json(key, quotas_of(exchange))));
}

Task<> change_key_route(Exchange& exchange) {
  const std::string id = exchange.parameter(0);
  AdminAction action(exchange, "key.change", id);
  Task<> work = change_key(exchange, action, id);
  co_await audited(action, std::move(work));
}

Task<> delete_key_route(Exchange& exchange) {
  const std::string id = exchange.parameter(0);
  AdminAction action(exchange, "key.delete", id);
  Task<> work = delete_key(exchange, action, id);
  co_await audited(action, std::move(work));
}

Task<> audit_route(Exchange& exchange) {
  AuditQuery query;
  query.principal = query_value(exchange.head().query(), "principal").value_or("");
  query.since = number_in_query(exchange, "since", 0);
  query.until = number_in_query(exchange, "until", INT64_MAX);
  query.limit = static_cast<unsigned>(
      std::min<std::int64_t>(number_in_query(exchange, "limit", 100), kMaxLines));
  HttpContext& context = exchange.context();
  auto work = [&] { return context.accounts.store.audit(query); };
  const std::vector<AuditRecord> lines = co_await on_pool(context.io, context.pool, work);
  Json list = Json::array();
  for (const AuditRecord& line : lines) {
    Json entry = Json::object({{"time", iso8601(line.time)}, {"principal", line.principal}});
    entry.set("kind", "run");  // unless it says otherwise; older lines say nothing
    for (const auto& [name, value] : line.entry.members()) entry.set(name, value);
    list.push(std::move(entry));
  }
  co_await exchange.answer(json_answer(200, list));
}

}  // namespace podium
