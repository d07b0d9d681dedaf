/// The body of POST /exec: what is accepted, what is refused, and who is asking.

#include "http/exec_command.hpp"
#include "http/front.hpp"

namespace podium::test {
namespace {

using Words = std::vector<std::string>;

class ExecBody : public testing::Test {
 protected:
  ExecBody() {
    LanguageConfig language;
    language.name = "py";
    language.aliases = {"python"};
    config.languages.push_back(std::move(language));
  }
  ExecCommand parse(const std::string& members) {
    return parse_exec_command(json_parse("{\"lang\":\"py\",\"code\":\"x\"" + members + "}"),
                              config);
  }
  Code refusal(const std::string& body) {
    try {
      parse_exec_command(json_parse(body), config);
    } catch (const Failure& failure) {
      message = failure.what();
      return failure.code();
    }
    throw std::runtime_error("not refused");
  }
  Config config;
  std::string message;
};

TEST_F(ExecBody, TakesLanguagesByAliasInAnyCase) {
  EXPECT_EQ(parse_exec_command(json_parse(R"({"lang":"PyThon","code":"x"})"), config).language,
            "py");
}

TEST_F(ExecBody, RefusesWhatIsMissingOrOfTheWrongType) {
  EXPECT_EQ(refusal(R"({"code":"x"})"), Code::kUnprocessable);
  EXPECT_EQ(refusal(R"({"lang":"py"})"), Code::kUnprocessable);
  EXPECT_EQ(refusal(R"({"lang":"py","code":1})"), Code::kUnprocessable);
  EXPECT_EQ(refusal(R"([1])"), Code::kUnprocessable);
  EXPECT_EQ(refusal(R"({"lang":"py","code":"x","files":{}})"), Code::kUnprocessable);
  EXPECT_EQ(refusal(R"({"lang":"py","code":"x","files":[1]})"), Code::kUnprocessable);
  EXPECT_EQ(refusal(R"({"lang":"py","code":"x","env":{"A":1}})"), Code::kUnprocessable);
  EXPECT_EQ(refusal(R"({"lang":"py","code":"x","stdin":false})"), Code::kUnprocessable);
}

TEST_F(ExecBody, RefusesEmptyCodeAndUnknownLanguagesAsBadRequests) {
  EXPECT_EQ(refusal(R"({"lang":"py","code":" \n\t"})"), Code::kInvalidArgument);
  EXPECT_EQ(refusal(R"({"lang":"cobol","code":"x"})"), Code::kInvalidArgument);
  EXPECT_EQ(message, "Unsupported language: cobol");
}

TEST_F(ExecBody, TakesArgumentsInEveryForm) {
  EXPECT_EQ(parse(R"(,"args":["a b","c"])").arguments, (Words{"a b", "c"}));
  EXPECT_EQ(parse(R"(,"args":"a 'b c' \"d\\\"e\" f\\ g ''")").arguments,
            (Words{"a", "b c", "d\"e", "f g", ""}));
  EXPECT_EQ(parse(R"(,"args":{"n":1})").arguments, Words{R"({"n":1})"});
  EXPECT_EQ(parse(R"(,"args":7)").arguments, Words{"7"});
  EXPECT_EQ(parse(R"(,"args":[1,true])").arguments, (Words{"1", "true"}));
  EXPECT_EQ(parse(R"(,"args":null)").arguments, Words{});
  EXPECT_EQ(refusal(R"({"lang":"py","code":"x","args":"a 'b"})"), Code::kInvalidArgument);
  EXPECT_EQ(refusal(R"({"lang":"py","code":"x","args":["a\u0000b"]})"), Code::kUnprocessable);
}

TEST_F(ExecBody, TakesAPositiveTimeOutOnly) {
  EXPECT_EQ(parse(R"(,"timeout":1500)").timeout, milliseconds(1500));
  EXPECT_EQ(parse(R"(,"timeout":0.2)").timeout, milliseconds(1));
  EXPECT_EQ(parse(R"(,"timeout":1e300)").timeout, milliseconds(1'000'000'000'000));
  EXPECT_EQ(parse("").timeout, std::nullopt);
  for (const char* bad : {"0", "-5", "\"10\"", "false"}) {
    EXPECT_EQ(refusal(std::string(R"({"lang":"py","code":"x","timeout":)") + bad + "}"),
              Code::kInvalidArgument);
    EXPECT_EQ(message, "timeout must be a positive number of milliseconds");
  }
}

TEST_F(ExecBody, TakesFileReferencesOfBothGenerations) {
  const std::string id(21, 'a'), session(21, 'b'), stored(21, 'c');

  const auto files =
      parse(",\"files\":[{\"id\":\"" + id + "\",\"name\":\"d/x.csv\",\"session_id\":\"" + session +
            "\"},{\"id\":\"" + id + "\",\"name\":\"y\",\"storage_session_id\":\"" + stored +
            "\",\"session_id\":\"" + session +
            "\",\"kind\":\"user\",\"resource_id\":\"r\"},{\"id\":\"..\",\"name\":\"z\"}]")
          .files;

  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0].session, session);
  EXPECT_FALSE(files[0].new_style);
  EXPECT_EQ(files[0].name, "d/x.csv");
  EXPECT_EQ(files[1].session, stored);
  EXPECT_TRUE(files[1].new_style);
  EXPECT_EQ(files[2].id, "") << "what is no id of ours is tried by name";
}

TEST_F(ExecBody, TakesAnEntityIdOfItsFormOnly) {
  EXPECT_EQ(parse(",\"entity_id\":\"asst_1-A\"").entity_id, "asst_1-A");
  EXPECT_EQ(refusal(R"({"lang":"py","code":"x","entity_id":"a b"})"), Code::kUnprocessable);
  EXPECT_EQ(
      refusal("{\"lang\":\"py\",\"code\":\"x\",\"entity_id\":\"" + std::string(41, 'a') + "\"}"),
      Code::kUnprocessable);
}

TEST_F(ExecBody, IgnoresUnknownFields) {
  EXPECT_EQ(parse(R"(,"runtime_session_hint":"h","baseUrl":"x","nested":[{}])").code, "x");
}

TEST(BodyKey, IsTakenOutWhateverItsName) {
  Json body =
      json_parse(R"({"apiKey":"k1","code":"x","api_key":"k2","LIBRECHAT_CODE_API_KEY":"k3"})");

  EXPECT_EQ(take_body_key(body), "k3");
  EXPECT_EQ(json_dump(body), R"({"code":"x"})");
}

class ExecRequest : public Front {
 protected:
  /// POST /exec without credentials in the headers.
  std::string bare(const std::string& body, const std::string& type = "application/json") {
    return "POST /exec HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  int status_of(const std::string& request) { return ask(request).status; }
};

TEST_F(ExecRequest, TakesTheKeyFromHeaderBearerOrBody) {
  runtime->behaviour = [](FakeRun& run) { run.exit(0); };
  start();
  const std::string body = exec_body();
  const std::string tail =
      "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  const std::string begin = "POST /exec HTTP/1.1\r\nHost: h\r\n";

  EXPECT_EQ(status_of(begin + "X-API-Key: " + kKey + "\r\n" + tail), 200);
  EXPECT_EQ(status_of(begin + "Authorization: Bearer " + kKey + "\r\n" + tail), 200);
  EXPECT_EQ(status_of(begin + "Authorization: ApiKey " + kKey + "\r\n" + tail), 200);
  for (const char* name : {"apiKey", "api_key", "LIBRECHAT_CODE_API_KEY"}) {
    EXPECT_EQ(status_of(bare(exec_body(std::string(",\"") + name + "\":\"" + kKey + "\""))), 200);
  }
}

TEST_F(ExecRequest, IsRefusedWithoutAKeyOrWithAWrongOne) {
  start();

  EXPECT_EQ(status_of(bare(exec_body())), 401);
  EXPECT_EQ(status_of(bare(exec_body(",\"apiKey\":\"wrong\""))), 401);
  EXPECT_EQ(status_of(bare("{not json")), 401) << "a body that cannot be read names no key";
  EXPECT_EQ(
      status_of("POST /exec HTTP/1.1\r\nHost: h\r\nX-API-Key: a\r\nAuthorization: Bearer b\r\n"
                "Content-Length: 0\r\n\r\n"),
      400);
  EXPECT_EQ(status_of("POST /exec HTTP/1.1\r\nHost: h\r\nX-API-Key: a\r\nX-API-Key: b\r\n"
                      "Content-Length: 0\r\n\r\n"),
            400);
  EXPECT_EQ(runs.count(), 0u);
}

TEST_F(ExecRequest, AWrongKeyInAHeaderIsRefusedBeforeTheBodyIsRead) {
  start();
  Client client = connect();
  client.send(
      "POST /exec HTTP/1.1\r\nHost: h\r\nX-API-Key: wrong\r\nExpect: 100-continue\r\n"
      "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n");

  EXPECT_EQ(client.receive().status, 401) << "and no 100 Continue";
}

TEST_F(ExecRequest, TheKeyInTheBodyReachesNeitherTheRunNorTheLog) {
  start();
  Client client = connect();
  client.send(bare(exec_body(std::string(",\"apiKey\":\"") + kKey + "\"")));
  FakeRun& run = runs.next();
  run.exit(0);
  client.receive();

  EXPECT_EQ(json_dump(log_pipe.next("request")).find(kKey), std::string::npos);
  for (const std::string& variable : run.request.environment) {
    EXPECT_EQ(variable.find(kKey), std::string::npos);
  }
}

TEST_F(ExecRequest, TellsBadBodiesWithTheirOwnStatus) {
  start();

  EXPECT_EQ(status_of(post("/exec", "{\"lang\":")), 400);
  EXPECT_EQ(status_of(post("/exec", exec_body() + "x")), 400);
  EXPECT_EQ(status_of(post("/exec", "{\"lang\":\"py\",\"code\":\"\xFF\"}")), 400);
  EXPECT_EQ(status_of(post("/exec", std::string(100'000, '['))), 400);
  EXPECT_EQ(status_of(post("/exec", "{\"lang\":\"py\",\"code\":\"x\",\"timeout\":NaN}")), 400);
  EXPECT_EQ(status_of(post("/exec", "")), 400);
  EXPECT_EQ(status_of(post("/exec", "{}")), 422);
  EXPECT_EQ(status_of(post("/exec", exec_body(), "text/plain")), 415);
  EXPECT_EQ(status_of(head("POST", "/exec", "Content-Length: 0\r\n")), 415);
  EXPECT_EQ(status_of(post("/exec", "{\"lang\":\"cobol\",\"code\":\"x\"}")), 400);
  EXPECT_EQ(runs.count(), 0u);
}

TEST_F(ExecRequest, ErrorsHaveTheShapeThatClientsKnow) {
  start();

  const Received answer = ask(post("/exec", "{\"lang\":\"py\"}"));

  const Json json = answer.json();
  EXPECT_EQ(json.find("error")->string(), "the field code is required");
  EXPECT_EQ(json.find("error_type")->string(), "validation");
  const Json& detail = json.find("details")->items().at(0);
  EXPECT_EQ(detail.find("field")->string(), "code");
  EXPECT_EQ(json.find("request_id")->string(), answer.header("X-Request-ID"));
  EXPECT_GT(json.find("timestamp")->integer(), 1'600'000'000);
}

TEST_F(ExecRequest, ABodyOverTheLimitIs413) {
  config.http.max_request = 1000;
  start();

  EXPECT_EQ(status_of(post("/exec", std::string(1001, ' '))), 413);
  EXPECT_EQ(status_of(head("POST", "/exec",
                           "Content-Type: application/json\r\n"
                           "Transfer-Encoding: chunked\r\n") +
                      "400\r\n" + std::string(1024, ' ') + "\r\n0\r\n\r\n"),
            413);
}

TEST_F(ExecRequest, WithoutKeysOnlyLocalHostsAndNoForeignPagesAreServed) {
  config.auth.mode = AuthConfig::Mode::kNone;
  runtime->behaviour = [](FakeRun& run) { run.exit(0); };
  start();
  const std::string body = exec_body();
  const auto request = [&](const std::string& host, const std::string& more = "",
                           const std::string& type = "application/json") {
    return "POST /exec HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more + "\r\n" + body;
  };

  for (const char* host :
       {"127.0.0.1:8000", "localhost", "LOCALHOST:1", "127.0.0.2", "[::1]:8000"}) {
    EXPECT_EQ(status_of(request(host)), 200) << host;
  }
  for (const char* host :
       {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1"}) {
    EXPECT_EQ(status_of(request(host)), 403) << host;
  }
  EXPECT_EQ(status_of(request("localhost", "Origin: http://evil.example\r\n")), 403);
  EXPECT_EQ(status_of(request("localhost", "Origin: null\r\n")), 403);
  EXPECT_EQ(status_of(request("localhost", "Origin: http://localhost:3000\r\n")), 200);
  EXPECT_EQ(status_of(request("localhost", "", "text/plain")), 415);
}

TEST_F(ExecRequest, AForeignFileReferenceIs403) {
  start();
  const Json uploaded = upload("a.txt", "hi").json();
  const std::string id = uploaded.find("files")->items().at(0).find("fileId")->string();
  const std::string session = uploaded.find("session_id")->string();
  const std::string body = exec_body(",\"files\":[{\"id\":\"" + id +
                                     "\",\"name\":\"a.txt\",\"session_id\":\"" + session + "\"}]");

  const Received answer =
      ask("POST /exec HTTP/1.1\r\nHost: h\r\nX-API-Key: sk-other\r\n"
          "Content-Type: application/json\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body);

  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.json().find("error")->string(), "Unauthorized file reference");
}

}  // namespace
}  // namespace podium::test
