#include "session/account_store.hpp"

#include <utility>

#include "session/state.hpp"

namespace podium {
namespace {

using namespace Poco::Data::Keywords;

std::string quota_text(const std::optional<QuotaConfig>& quota) {
  return quota ? json_dump(to_json(*quota)) : std::string();
}

/// Poco takes what it binds by reference to something that is not const.
template <class... Values>
void execute(Poco::Data::Session& session, const char* sql, Values... values) {
  Poco::Data::Statement statement(session);
  statement << sql;
  (statement.addBind(use(values)), ...);
  statement.execute();
}

void refuse_nul(const KeyConfig& key) {
  for (const std::string* text : {&key.id, &key.sha256, &key.name, &key.tenant}) {
    if (text->find('\0') != text->npos) {
      throw Failure(Code::kInvalidArgument, "a key's id, name and tenant must be without NUL");
    }
  }
}

bool has_key(Poco::Data::Session& session, std::string id) {
  int count = 0;
  session << "SELECT count(*) FROM keys WHERE id = ?", use(id), into(count), now;
  return count != 0;
}

}  // namespace

std::vector<KeyConfig> AccountStore::keys() {
  return sessions_.connections().readers.with([](Reader& reader) {
    std::vector<std::string> id, sha256, name, tenant, quota;
    std::vector<std::int64_t> disabled, created, used;
    reader.session << "SELECT id, sha256, name, tenant, disabled, quota, created, used FROM keys"
                      " ORDER BY id",
        into(id), into(sha256), into(name), into(tenant), into(disabled), into(quota),
        into(created), into(used), now;
    std::vector<KeyConfig> keys;
    for (std::size_t i = 0; i < id.size(); ++i) {
      KeyConfig key{id[i], sha256[i], name[i], tenant[i]};
      key.disabled = disabled[i] != 0;
      if (!quota[i].empty()) key.quota = quota_of(json_parse(quota[i]), "key " + id[i]);
      key.created = created[i];
      key.used = used[i];
      keys.push_back(std::move(key));
    }
    return keys;
  });
}

void AccountStore::add_key(const KeyConfig& key) {
  refuse_nul(key);
  sessions_.connections().writer.run([&](WriteStatements& to) {
    if (has_key(to.session, key.id)) {
      throw Failure(Code::kConflict, "there is a key with the id \"" + key.id + "\" already");
    }
    execute(to.session,
            "INSERT INTO keys (id, sha256, name, tenant, disabled, quota, created, used)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
            key.id, key.sha256, key.name, key.tenant, key.disabled ? 1 : 0, quota_text(key.quota),
            key.created);
  });
}

void AccountStore::put_key(const KeyConfig& key) {
  refuse_nul(key);
  sessions_.connections().writer.run([&](WriteStatements& to) {
    execute(to.session,
            "INSERT INTO keys (id, sha256, name, tenant, disabled, quota, created, used)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (id) DO UPDATE SET"
            " sha256 = excluded.sha256, name = excluded.name, tenant = excluded.tenant,"
            " disabled = excluded.disabled, quota = excluded.quota",
            key.id, key.in_file ? std::string() : key.sha256, key.name, key.tenant,
            key.disabled ? 1 : 0, quota_text(key.quota), key.created);
  });
}

bool AccountStore::remove_key(const std::string& id) {
  bool there = false;
  sessions_.connections().writer.run([&](WriteStatements& to) {
    there = has_key(to.session, id);
    if (there) execute(to.session, "DELETE FROM keys WHERE id = ?", id);
  });
  return there;
}

void AccountStore::note_use(const std::vector<std::pair<std::string, EpochMs>>& keys) {
  sessions_.connections().writer.run([&](WriteStatements& to) {
    for (const auto& [id, time] : keys) {
      execute(to.session, "UPDATE keys SET used = max(used, ?) WHERE id = ?", time, id);
    }
  });
}

std::vector<UsageRecord> AccountStore::usage() {
  return sessions_.connections().readers.with([](Reader& reader) {
    std::vector<std::string> principal, period;
    std::vector<std::int64_t> start, runs;
    reader.session << "SELECT principal, period, start, runs FROM usage", into(principal),
        into(period), into(start), into(runs), now;
    std::vector<UsageRecord> usage;
    for (std::size_t i = 0; i < principal.size(); ++i) {
      usage.push_back({principal[i], period[i], start[i], static_cast<std::uint64_t>(runs[i])});
    }
    return usage;
  });
}

void AccountStore::record(const std::vector<UsageRecord>& usage,
                          const std::vector<AuditRecord>& lines) {
  sessions_.connections().writer.run([&](WriteStatements& to) {
    for (const UsageRecord& each : usage) {
      execute(to.session,
              "INSERT INTO usage (principal, period, start, runs) VALUES (?, ?, ?, ?)"
              " ON CONFLICT (principal, period) DO UPDATE SET start = excluded.start,"
              " runs = excluded.runs",
              each.principal, each.period, each.start, static_cast<std::int64_t>(each.runs));
    }
    for (const AuditRecord& line : lines) {
      execute(to.session, "INSERT INTO audit (time, principal, entry) VALUES (?, ?, ?)", line.time,
              line.principal, json_dump(line.entry));
    }
  });
}

std::vector<AuditRecord> AccountStore::audit(const AuditQuery& query) {
  return sessions_.connections().readers.with([&](Reader& reader) {
    std::vector<std::int64_t> time;
    std::vector<std::string> principal, entry;
    AuditQuery asked = query;
    Poco::Data::Statement statement(reader.session);
    statement << std::string(
                     "SELECT time, principal, entry FROM audit"
                     " WHERE time >= ? AND time < ?") +
                     (asked.principal.empty() ? "" : " AND principal = ?") +
                     " ORDER BY time DESC, number DESC LIMIT ?",
        into(time), into(principal), into(entry), use(asked.since), use(asked.until);
    if (!asked.principal.empty()) statement.addBind(use(asked.principal));
    statement.addBind(use(asked.limit));
    statement.execute();
    std::vector<AuditRecord> lines;
    for (std::size_t i = 0; i < time.size(); ++i) {
      lines.push_back({time[i], principal[i], json_parse(entry[i])});
    }
    return lines;
  });
}

std::size_t AccountStore::remove_audit_before(EpochMs before, unsigned limit) {
  std::size_t removed = 0;
  sessions_.connections().writer.run([&](WriteStatements& to) {
    Poco::Data::Statement statement(to.session);
    statement << "DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE time < ?"
                 " ORDER BY time LIMIT ?)",
        use(before), use(limit);
    removed = statement.execute();
  });
  return removed;
}

void AccountStore::remove_usage_before(EpochMs before) {
  sessions_.connections().writer.run([&](WriteStatements& to) {
    execute(to.session, "DELETE FROM usage WHERE start < ?", before);
  });
}

}  // namespace podium
