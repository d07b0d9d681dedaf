// The sections about who may do how much: auth, quotas, audit.
#include "config/read_sections.hpp"

namespace podium {
namespace {

using namespace std::chrono_literals;
constexpr milliseconds kOneDay = 24h;

/// {"file": …} or {"env": …}, never the secret itself; null: none.
void read_admin_key(const Json& value, const std::string& path, AuthConfig& out) {
  out.admin_key_file.clear();
  out.admin_key_variable.clear();
  if (value.is_null()) return;
  Section section(value, path);
  std::string file;
  section.text("file", file);
  section.text("env", out.admin_key_variable);
  section.finish();
  out.admin_key_file = file;
  if (file.empty() == out.admin_key_variable.empty()) {
    throw config_failure(path, "expected {\"file\": PATH}, {\"env\": NAME} or null");
  }
}

void read_networks(Section& section, std::vector<Network>& out) {
  std::vector<std::string> texts;
  section.texts("trusted_networks", texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto network = Network::parse(texts[i]);
    if (!network) {
      throw config_failure(path_of(section.path_of("trusted_networks"), std::to_string(i)),
                           "found " + json_quote(texts[i]) +
                               ", expected a network like \"10.0.0.0/8\" or \"fd00::/8\", with no "
                               "bits behind its prefix");
    }
    out.push_back(*network);
  }
}

void read_lockout(Section section, LockoutConfig& out) {
  section.count<std::uint32_t>("failures", out.failures, {0, 1'000'000});
  section.duration("within", out.within, {1s, kOneDay});
  section.duration("for", out.duration, {1s, kOneDay});
  section.finish();
}

void read_tokens(Section section, TokenConfig& out) {
  std::string keys;
  section.text("keys", keys);
  out.keys = keys;
  section.text("issuer", out.issuer);
  section.text("audience", out.audience);
  section.duration("max_lifetime", out.max_lifetime, {1s, kOneDay});
  section.duration("skew", out.skew, {0ms, 10min});
  for (const auto& [key, value] : {std::pair{"issuer", out.issuer}, {"audience", out.audience}}) {
    if (value.empty()) throw config_failure(section.path_of(key), "is empty, expected a name");
  }
  section.finish();
}

}  // namespace

void read_auth(Section section, AuthConfig& out) {
  std::string mode = out.mode == AuthConfig::Mode::kNone ? "none" : "keys";
  section.choice("mode", mode, {"keys", "none"});
  out.mode = mode == "none" ? AuthConfig::Mode::kNone : AuthConfig::Mode::kKeys;
  if (const Json* value = section.find("keys")) {
    Section keys = section.section(*value, "keys");
    std::string file = out.keys_file;
    keys.text("file", file);
    if (file.empty()) throw config_failure(keys.path_of("file"), "is empty, expected a path");
    out.keys_file = file;
    keys.finish();
  }
  section.record("admin_key", OptionType::kReference);
  if (const Json* value = section.find("admin_key")) {
    read_admin_key(*value, section.path_of("admin_key"), out);
  }
  read_networks(section, out.trusted_networks);
  section.texts("hosts", out.hosts);
  section.text("trusted_as", out.trusted_as);
  if (out.trusted_as.empty()) {
    throw config_failure(section.path_of("trusted_as"), "is empty, expected a key's id or a name");
  }
  if (const Json* value = section.find("lockout")) {
    read_lockout(section.section(*value, "lockout"), out.lockout);
  }
  if (const Json* value = section.find("tokens")) {
    read_tokens(section.section(*value, "tokens"), out.tokens);
  }
  section.finish();
}

void read_quotas(Section section, QuotaConfig& out) {
  const Bounds<std::uint32_t> any{0, 1'000'000'000};
  section.count<std::uint32_t>("second", out.second, any);
  section.count<std::uint32_t>("minute", out.minute, any);
  section.count<std::uint32_t>("hour", out.hour, any);
  section.count<std::uint32_t>("day", out.day, any);
  section.count<std::uint32_t>("month", out.month, any);
  section.count<std::uint32_t>("concurrent", out.concurrent, any);
  section.finish();
}

Json to_json(const QuotaConfig& quota) {
  return Json::object({{"second", quota.second},
                       {"minute", quota.minute},
                       {"hour", quota.hour},
                       {"day", quota.day},
                       {"month", quota.month},
                       {"concurrent", quota.concurrent}});
}

QuotaConfig quota_of(const Json& value, const std::string& path) {
  QuotaConfig quota;
  read_quotas(Section(value, path), quota);
  return quota;
}

void read_audit(Section section, AuditConfig& out) {
  section.duration("retention", out.retention, {0ms, 3650 * kOneDay});
  section.finish();
}

}  // namespace podium
