/// Keys, quotas, tokens, lock-out and the audit trail over the wire.

#include <gmock/gmock.h>

#include <fstream>

#include "http/front.hpp"
#include "policy/signed_token.hpp"

namespace podium::test {
namespace {

using testing::HasSubstr;

class AccountsOverHttp : public Front {
 protected:
  AccountsOverHttp() {
    runtime->behaviour = [](FakeRun& run) { run.exit(0); };
  }

  Received ask_as(const std::string& credential, const std::string& method,
                  const std::string& target, const std::string& body = "") {
    std::string request = method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    if (!credential.empty()) request += credential + "\r\n";
    if (!body.empty()) {
      request +=
          "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
          "\r\n";
    }
    return ask(request + "\r\n" + body);
  }
  static std::string key_header(const std::string& key) { return "X-API-Key: " + key; }
  Received admin(const std::string& method, const std::string& target,
                 const std::string& body = "") {
    return ask_as(key_header(kAdminKey), method, "/api/v1/admin" + target, body);
  }
  Received run_as(const std::string& credential) {
    return ask_as(credential, "POST", "/exec", exec_body());
  }
  /// Writes what the ledger holds, and asks for the lines of a principal.
  Received trail_of(const std::string& principal) {
    Ledger::Batch batch;
    on_io([&] { batch = accounts->ledger.take(epoch_ms_now()); });
    accounts->store.record(batch.usage, batch.lines);
    return admin("GET", "/audit?principal=" + principal + "&limit=10");
  }
  /// Makes a key and returns it.
  std::string make_key(const std::string& body) {
    const Received answer = admin("POST", "/keys", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json().find("api_key")->string();
  }
};

TEST_F(AccountsOverHttp, AKeyIsMadeUsedChangedDisabledAndDeleted) {
  start();
  const std::string key =
      make_key(R"({"id":"chat","name":"The chat","rate_limits":{"per_minute":60,"concurrent":2}})");

  EXPECT_EQ(run_as(key_header(key)).status, 200);
  const Json shown = admin("GET", "/keys/chat").json();
  EXPECT_EQ(shown.find("name")->string(), "The chat");
  EXPECT_EQ(shown.find("key_hash")->string(), sha256_hex(key));
  EXPECT_EQ(shown.find("rate_limits")->find("per_minute")->integer(), 60);
  EXPECT_TRUE(shown.find("rate_limits")->find("daily")->is_null());
  EXPECT_EQ(shown.find("usage_count")->integer(), 1);
  EXPECT_TRUE(shown.find("enabled")->boolean());
  EXPECT_EQ(admin("PATCH", "/keys/" + sha256_hex(key), R"({"enabled":false})").status, 200);
  EXPECT_EQ(run_as(key_header(key)).status, 401);
  EXPECT_EQ(admin("PATCH", "/keys/chat", R"({"enabled":true,"rate_limits":null})").status, 200);
  EXPECT_TRUE(admin("GET", "/keys/chat").json().find("rate_limits")->is_null());
  EXPECT_EQ(run_as(key_header(key)).status, 200);
  EXPECT_EQ(admin("DELETE", "/keys/chat").status, 200);
  EXPECT_EQ(run_as(key_header(key)).status, 401);
  EXPECT_EQ(admin("GET", "/keys/chat").status, 404);
}

TEST_F(AccountsOverHttp, AListNamesEveryKeyAndHoldsNone) {
  start();
  const std::string key = make_key(R"({"name":"chat"})");

  const Received list = admin("GET", "/keys");

  ASSERT_EQ(list.json().items().size(), 3u);
  EXPECT_EQ(list.json().items()[2].find("id")->string(), "chat");
  EXPECT_EQ(list.body.find(key), std::string::npos);
  EXPECT_EQ(list.body.find(kKey), std::string::npos);
}

TEST_F(AccountsOverHttp, AdministrationIsForTheAdministratorOnly) {
  start();

  EXPECT_EQ(ask_as("", "GET", "/api/v1/admin/keys").status, 401);
  EXPECT_EQ(ask_as(key_header(kKey), "GET", "/api/v1/admin/keys").status, 403);
  EXPECT_EQ(
      ask_as("Authorization: Bearer " + std::string(kAdminKey), "GET", "/api/v1/admin/keys").status,
      200);
  EXPECT_EQ(run_as(key_header(kAdminKey)).status, 401) << "it is no key for runs";
  EXPECT_EQ(admin("GET", "/none").status, 404);
  EXPECT_EQ(admin("PUT", "/keys").status, 405);
}

TEST_F(AccountsOverHttp, BodiesThatAreWrongAreRefusedByField) {
  start();

  for (const auto& [body, field] :
       {std::pair{R"({"id":"a b"})", "id"},
        {R"({"id":"a","enabled":1})", "enabled"},
        {R"({"id":"a","rate_limits":{"per_year":1}})", "rate_limits.per_year"},
        {R"({"id":"a","rate_limits":{"hourly":-1}})", "rate_limits.hourly"},
        {R"({"id":"a","limits":{}})", "limits"},
        {R"([])", "the body"}}) {
    const Received answer = admin("POST", "/keys", body);
    EXPECT_EQ(answer.status, 422) << body;
    EXPECT_EQ(answer.json().find("details")->items().at(0).find("field")->string(), field);
  }
  make_key(R"({"id":"a"})");
  EXPECT_EQ(admin("POST", "/keys", R"({"id":"a"})").status, 409);
  EXPECT_EQ(admin("PATCH", "/keys/a", R"({"id":"b"})").status, 422);
  EXPECT_EQ(admin("PATCH", "/keys/none", R"({"enabled":true})").status, 404);
}

TEST_F(AccountsOverHttp, AQuotaIsToldInHeadersAndHeldToWith429) {
  start();
  const std::string key = make_key(R"({"id":"chat","rate_limits":{"monthly":2}})");

  const Received first = run_as(key_header(key)), second = run_as(key_header(key)),
                 third = run_as(key_header(key));

  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.header("RateLimit-Limit"), "2");
  EXPECT_EQ(first.header("RateLimit-Remaining"), "1");
  EXPECT_EQ(first.header("RateLimit-Policy"), "2;w=2592000");
  EXPECT_EQ(second.header("RateLimit-Remaining"), "0");
  EXPECT_EQ(third.status, 429);
  EXPECT_EQ(third.header("RateLimit-Remaining"), "0");
  EXPECT_EQ(third.count("RateLimit-Remaining"), 1u);
  EXPECT_EQ(third.header("Retry-After"), third.header("RateLimit-Reset"));
  const Json body = third.json();
  EXPECT_EQ(body.find("error_type")->string(), "rate_limited");
  EXPECT_THAT(body.find("error")->string(), HasSubstr("2 runs a month"));
  EXPECT_EQ(std::to_string(body.find("retry_after_seconds")->integer()),
            third.header("Retry-After"));
  EXPECT_EQ(run_as(key_header(kKey)).status, 200) << "others are not bound by it";
  EXPECT_EQ(run_as(key_header(kKey)).count("RateLimit-Limit"), 0u);
}

TEST_F(AccountsOverHttp, TheConfigurationsQuotaIsForKeysWithoutTheirOwn) {
  config.quotas.month = 1;
  start();
  const std::string key = make_key(R"({"id":"chat","rate_limits":{"monthly":3}})");

  EXPECT_EQ(run_as(key_header(kKey)).status, 200);
  EXPECT_EQ(run_as(key_header(kKey)).status, 429);
  EXPECT_EQ(run_as(key_header(key)).header("RateLimit-Remaining"), "2");
}

TEST_F(AccountsOverHttp, WhatIsRefusedForAnotherReasonDoesNotCount) {
  config.quotas.month = 1;
  start();
  const std::string foreign = exec_body(
      ",\"files\":[{\"id\":\"AAAAAAAAAAAAAAAAAAAAA\",\"name\":\"../x\",\"session_id\":\"\"}]");

  EXPECT_EQ(ask_as(key_header(kKey), "POST", "/exec", foreign).status, 400);
  EXPECT_EQ(ask_as(key_header(kKey), "POST", "/exec", R"({"lang":"none","code":"1"})").status, 400);
  EXPECT_EQ(run_as(key_header(kKey)).status, 200);
}

TEST_F(AccountsOverHttp, TheAnswerThatOpensAWebSocketHasTheHeadersOfOtherAnswers) {
  config.quotas.minute = 5;
  start();
  EXPECT_EQ(run_as(key_header(kKey)).status, 200);
  const auto open = [&](const std::string& credential) {
    Client client = connect();
    client.send("GET /exec/ws HTTP/1.1\r\nHost: 127.0.0.1\r\n" + credential +
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n");
    return client.receive(true);
  };

  const Received known = open(key_header(kKey) + "\r\n");
  const Received unknown = open("");

  EXPECT_EQ(known.status, 101);
  EXPECT_EQ(known.header("RateLimit-Limit"), "5");
  EXPECT_EQ(known.header("RateLimit-Remaining"), "4");
  EXPECT_THAT(known.header("traceresponse"), HasSubstr("0af7651916cd43dd8448eb211c80319c"));
  EXPECT_EQ(unknown.status, 101) << "its first message says who it is";
  EXPECT_EQ(unknown.header("RateLimit-Limit"), "");
}

TEST_F(AccountsOverHttp, RunsAtATimeAreBounded) {
  config.quotas.concurrent = 1;
  runtime->behaviour = [this](FakeRun& run) { runs.push(run); };
  start();
  Client first = connect();
  first.send(post("/exec", exec_body()));
  FakeRun& running = runs.next();

  const Received second = run_as(key_header(kKey));
  running.exit(0);

  EXPECT_EQ(second.status, 429);
  EXPECT_EQ(second.header("Retry-After"), "1");
  EXPECT_EQ(first.receive().status, 200);
}

TEST_F(AccountsOverHttp, APeerIsLockedOutAfterWrongKeysButNotAfterNone) {
  config.auth.lockout.failures = 3;
  start();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(run_as("").status, 401);
  EXPECT_EQ(run_as(key_header("sk-wrong")).status, 401);
  EXPECT_EQ(run_as("Authorization: Bearer sk-wrong").status, 401);
  EXPECT_EQ(ask_as("", "POST", "/exec", exec_body(",\"apiKey\":\"sk-wrong\"")).status, 401);

  const Received locked = run_as(key_header(kKey));

  EXPECT_EQ(locked.status, 429);
  EXPECT_GE(std::stoi(locked.header("Retry-After")), 1);
  EXPECT_EQ(locked.header("RateLimit-Remaining"), "0");
  EXPECT_EQ(ask_as("", "GET", "/health").status, 200) << "what needs no key is open";
}

TEST_F(AccountsOverHttp, TheAdministratorsKeyCannotBeGuessedEither) {
  config.auth.lockout.failures = 2;
  start();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ask_as(key_header("sk-guess"), "GET", "/api/v1/admin/keys").status, 403);
  }

  EXPECT_EQ(admin("GET", "/keys").status, 429);
}

TEST_F(AccountsOverHttp, PeersOfTrustedNetworksNeedNoKeyUnlessTheyAreAWebPage) {
  config.auth.trusted_networks.push_back(*Network::parse("127.0.0.0/8"));
  start();

  EXPECT_EQ(run_as("").status, 200);
  EXPECT_EQ(run_as(key_header(kKey)).status, 200);
  EXPECT_EQ(run_as(key_header("sk-wrong")).status, 401);
  EXPECT_EQ(ask_as("", "GET", "/api/v1/admin/keys").status, 401) << "the administrator does";
  EXPECT_EQ(run_as("Origin: http://evil.example").status, 403);
  EXPECT_EQ(run_as("Sec-Fetch-Site: cross-site").status, 403);
}

TEST_F(AccountsOverHttp, WithoutAKeyAPageThatCallsThisMachineByItsOwnNameIsRefused) {
  config.auth.trusted_networks.push_back(*Network::parse("127.0.0.0/8"));
  config.auth.hosts = {"podium.example.org"};
  start();
  const auto runs_of = [&](const std::string& host, const std::string& more = "") {
    return ask("GET /runs HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n").status;
  };

  for (const char* host : {"10.1.2.3:8000", "[fd00::1]:8000", "podium", "podium:8000",
                           "podium.internal", "PODIUM.example.org:8000"}) {
    EXPECT_EQ(runs_of(host), 200) << host;
  }
  for (const char* host : {"rebound.example", "rebound.example:8000", "10.1.2.3.example",
                           "internal."
                           "example",
                           ".internal"}) {
    EXPECT_EQ(runs_of(host), 403) << host;
    EXPECT_EQ(runs_of(host, key_header(kKey) + "\r\n"), 200) << host << " with a key";
  }
}

TEST_F(AccountsOverHttp, InNoKeyModeAKeyThatMeansNothingLetsNoPageIn) {
  config.auth.mode = AuthConfig::Mode::kNone;
  config.auth.trusted_networks.push_back(*Network::parse("10.0.0.0/8"));
  start();

  EXPECT_EQ(ask("GET /runs HTTP/1.1\r\nHost: rebound.example\r\nX-API-Key: x\r\n\r\n").status, 403);
}

TEST_F(AccountsOverHttp, NoKeyModeLetsOnlyNamedNetworksIn) {
  config.auth.mode = AuthConfig::Mode::kNone;
  start();

  EXPECT_EQ(run_as("").status, 200) << "loopback";
  EXPECT_EQ(run_as("Origin: http://evil.example").status, 403);
}

TEST_F(AccountsOverHttp, ASignedTokenIsAPrincipalOfItsTenant) {
  const Issuer issuer("ED25519");
  const auto file = folder / "jwks.json";
  std::ofstream(file) << json_dump(Json::object({{"keys", Json(Json::Array{issuer.jwk("k1")})}}));
  start();
  accounts->tokens.load(file);
  const auto bearer = [&](const char* subject) {
    Json claims = good_claims(static_cast<long>(epoch_ms_now() / 1000));
    claims.set("sub", subject);
    return "Authorization: Bearer " +
           issuer.sign(Json::object({{"alg", "EdDSA"}, {"kid", "k1"}}), claims);
  };
  const std::string form_body = form(part("name=\"kind\"", "agent") + part("name=\"id\"", "a1") +
                                     part("name=\"file\"; filename=\"a.txt\"", "x"));
  const std::string request =
      "POST /upload HTTP/1.1\r\nHost: h\r\n" + bearer("author") + "\r\nContent-Type: " + kFormType +
      "\r\nContent-Length: " + std::to_string(form_body.size()) + "\r\n\r\n" + form_body;
  const Json stored = ask(request).json();
  const std::string target = "/download/" + stored.find("session_id")->string() + "/" +
                             stored.find("files")->items().at(0).find("fileId")->string();

  EXPECT_EQ(run_as(bearer("reader")).status, 200);
  EXPECT_EQ(ask_as(bearer("author"), "GET", target).status, 200);
  EXPECT_EQ(ask_as(bearer("reader"), "GET", target).status, 404);
  EXPECT_EQ(ask_as(bearer("reader"), "GET", target + "?kind=agent&id=a1").status, 200);
  EXPECT_EQ(ask_as(key_header(kKey), "GET", target + "?kind=agent&id=a1").status, 404);
  EXPECT_EQ(run_as("Authorization: Bearer a.b.c").status, 401);
}

TEST_F(AccountsOverHttp, TheAuditTrailTellsWhatTheAdministratorDidAndHowItCameOut) {
  start();
  const std::string key = make_key(R"({"id":"chat","metadata":{"note":"private"}})");
  admin("PATCH", "/keys/chat", R"({"enabled":false,"rate_limits":{"per_minute":9}})");
  admin("DELETE", "/keys/chat");
  admin("DELETE", "/keys/chat");
  admin("POST", "/keys", R"({"enabled":"sk-typed-in-the-wrong-place"})");
  admin("POST", "/reload");
  admin("POST", "/backup");

  const Received answer = trail_of("admin:key");
  const Json lines = answer.json();

  ASSERT_EQ(lines.items().size(), 7u) << answer.body;
  const char* expected[] = {"backup * ok",          "reload configuration error",
                            "key.create * refused", "key.delete chat refused",
                            "key.delete chat ok",   "key.change chat ok",
                            "key.create chat ok"};
  for (std::size_t i = 0; i < 7; ++i) {
    const Json& line = lines.items()[i];
    std::string target = line.find("target")->string();
    if (target != "chat" && target != "configuration") target = "*";
    EXPECT_EQ(line.find("action")->string() + ' ' + target + ' ' + line.find("status")->string(),
              expected[i]);
    EXPECT_EQ(line.find("kind")->string(), "admin");
    EXPECT_EQ(line.find("peer")->string(), "127.0.0.1");
    EXPECT_EQ(line.find("request_id")->string().empty(), false);
  }
  EXPECT_EQ(json_dump(*lines.items()[5].find("changes")),
            R"({"enabled":false,"rate_limits":{"per_minute":9}})");
  EXPECT_EQ(lines.items()[3].find("error")->string(), "there is no such key");
  for (const std::string& secret : {key, sha256_hex(key), std::string("sk-typed"),
                                    std::string("private"), std::string(kAdminKey)}) {
    EXPECT_EQ(answer.body.find(secret), std::string::npos) << secret;
  }
}

TEST_F(AccountsOverHttp, TheAuditTrailTellsOfRunsThatTheAdministratorCancelled) {
  runtime->behaviour = [this](FakeRun& run) { runs.push(run); };
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  runs.next();
  const Json known = ask_as(key_header(kAdminKey), "GET", "/runs").json();
  const std::string id = known.find("runs")->items().at(0).find("run_id")->string();

  EXPECT_EQ(ask_as(key_header("sk-other"), "DELETE", "/runs/" + id).status, 404);
  EXPECT_EQ(ask_as(key_header(kAdminKey), "DELETE", "/runs/" + id).status, 200);
  client.receive();
  const Json lines = trail_of("admin:key").json();

  ASSERT_EQ(lines.items().size(), 1u);
  const Json& line = lines.items()[0];
  EXPECT_EQ(line.find("action")->string(), "run.cancel");
  EXPECT_EQ(line.find("target")->string(), id);
  EXPECT_EQ(line.find("owner")->string(), "tester");
  EXPECT_EQ(line.find("status")->string(), "ok");
}

TEST_F(AccountsOverHttp, TheAuditTrailTellsWhoRanWhatWithWhichLimitsAndOutcome) {
  start();
  ask_as(key_header(kKey), "POST", "/exec",
         exec_body(",\"timeout\":1500,\"user_id\":\"u1\",\"entity_id\":\"e1\""));
  log_pipe.next("request");  // comes after the line of the trail

  const Json lines = trail_of("tester").json();

  ASSERT_EQ(lines.items().size(), 1u);
  const Json& line = lines.items()[0];
  EXPECT_EQ(line.find("principal")->string(), "tester");
  EXPECT_EQ(line.find("kind")->string(), "run");
  EXPECT_EQ(line.find("language")->string(), "py");
  EXPECT_EQ(line.find("code_sha256")->string(), sha256_hex("print(1)"));
  EXPECT_EQ(line.find("limits")->find("wall_ms")->integer(), 1500);
  EXPECT_EQ(line.find("status")->string(), "completed");
  EXPECT_EQ(line.find("code")->integer(), 0);
  EXPECT_EQ(line.find("user_id")->string(), "u1");
  EXPECT_EQ(line.find("entity_id")->string(), "e1");
  EXPECT_EQ(line.find("peer")->string(), "127.0.0.1");
  EXPECT_FALSE(line.find("client_left")->boolean());
  EXPECT_EQ(admin("GET", "/audit?principal=other").body, "[]");
  EXPECT_EQ(admin("GET", "/audit?limit=x").status, 422);
}

TEST_F(AccountsOverHttp, ABackupOfTheDatabaseIsWrittenForTheAdministrator) {
  start();
  ASSERT_EQ(upload("a.txt", "x").status, 200);

  const Received refused = ask_as(key_header(kKey), "POST", "/api/v1/admin/backup");
  const Received made = admin("POST", "/backup");

  EXPECT_EQ(refused.status, 403);
  ASSERT_EQ(made.status, 200) << made.body;
  const std::filesystem::path file = made.json().find("file")->string();
  EXPECT_EQ(static_cast<std::int64_t>(std::filesystem::file_size(file)),
            made.json().find("bytes")->integer());
  EXPECT_NO_THROW(SessionStore(file).check());
}

TEST_F(AccountsOverHttp, RunsWithoutFilesWorkWithoutADatabase) {
  start();
  const auto away = folder / "away";
  std::filesystem::rename(folder / "podium.db", away);

  EXPECT_EQ(run_as(key_header(kKey)).status, 200);
  const Received stored = upload("a.txt", "x");
  EXPECT_EQ(stored.status, 503);
  EXPECT_THAT(stored.body, HasSubstr("the database does not answer as it should"));
  EXPECT_EQ(stored.body.find(folder.string()), stored.body.npos) << "where it lies is not theirs";
  const Received health = get("/health/detailed");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.header("X-Health-Status"), "degraded");
  EXPECT_THAT(json_dump(*health.json().find("database")), HasSubstr("removed"));
  EXPECT_EQ(admin("POST", "/keys", R"({"id":"a"})").status, 503);
  std::filesystem::rename(away, folder / "podium.db");
  EXPECT_EQ(upload("a.txt", "x").status, 200);
  EXPECT_EQ(get("/health/detailed").count("X-Health-Status"), 0u);
}

}  // namespace
}  // namespace podium::test
