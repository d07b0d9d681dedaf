/// POST /exec/stream and /runs over the wire.

#include "http/front.hpp"

namespace podium::test {
namespace {

/// The events of a body, as "name json".
std::vector<std::string> events_of(std::string_view body) {
  std::vector<std::string> all;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find("\n\n"), body.size());
    const std::string_view block = body.substr(0, end);
    const std::size_t name = block.find("event: "), data = block.find("\ndata: ");
    if (name != block.npos && data != block.npos) {
      all.push_back(std::string(block.substr(name + 7, data - name - 7)) + " " +
                    std::string(block.substr(data + 7)));
    }
    body.remove_prefix(std::min(end + 2, body.size()));
  }
  return all;
}

Json data_of(const std::string& event) { return json_parse(event.substr(event.find(' ') + 1)); }
std::string name_of(const std::string& event) { return event.substr(0, event.find(' ')); }

class StreamRoute : public Front {
 protected:
  std::string id_of(FakeRun& run) { return run.request.id; }
};

TEST_F(StreamRoute, TellsWhatHappensWhileItHappens) {
  start();
  Client client = connect();
  client.send(post("/exec/stream", exec_body()));
  FakeRun& run = runs.next();
  print(run, "hello\n");
  client.read_until("hello");
  EXPECT_FALSE(run.completed);
  print(run, "oops\n", 2);
  run.exit(3);

  const Received answer = client.receive();

  EXPECT_EQ(answer.header("Content-Type"), "text/event-stream");
  EXPECT_TRUE(answer.complete);
  const auto told = events_of(answer.body);
  ASSERT_GE(told.size(), 5u);
  EXPECT_EQ(name_of(told.front()), "start");
  EXPECT_EQ(data_of(told.front()).find("run_id")->string(), run.request.id);
  EXPECT_EQ(data_of(told.front()).find("request_id")->string(), answer.header("X-Request-ID"));
  EXPECT_EQ(name_of(told.back()), "end");
  const Json end = data_of(told.back());
  EXPECT_EQ(end.find("code")->integer(), 3);
  EXPECT_EQ(end.find("stdout")->string(), "hello\n");
  EXPECT_EQ(end.find("run_id")->string(), run.request.id);
  EXPECT_EQ(end.find("session_id")->string(), data_of(told.front()).find("session_id")->string());
}

TEST_F(StreamRoute, ExecStreamsForWhoAcceptsEvents) {
  start();
  Client client = connect();
  client.send(post("/v1/exec", exec_body(), "application/json",
                   "Accept: application/json;q=0.5, text/event-stream\r\n"));
  runs.next().exit(0);

  const Received answer = client.receive();

  EXPECT_EQ(answer.header("Content-Type"), "text/event-stream");
  EXPECT_EQ(name_of(events_of(answer.body).back()), "end");
}

TEST_F(StreamRoute, RefusesWithTheTrueStatusBeforeTheStream) {
  start();

  EXPECT_EQ(ask(post("/exec/stream", R"({"lang":"cobol","code":"1"})")).status, 400);
  EXPECT_EQ(ask(post("/exec/stream?reattach=soon", exec_body())).status, 400);
  EXPECT_EQ(ask("POST /exec/stream HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                "Content-Length: 2\r\n\r\n{}")
                .status,
            401);
}

TEST_F(StreamRoute, KeepsASilentStreamAliveWithComments) {
  start();
  Client client = connect();
  client.send(post("/exec/stream", exec_body()));
  FakeRun& run = runs.next();

  client.read_until(": keep-alive\n\n");

  EXPECT_FALSE(run.completed);
}

TEST_F(StreamRoute, TellsAFailureOfTheRunAsItsEnd) {
  start();
  Client client = connect();
  client.send(post("/exec/stream", exec_body()));
  Completion completion;
  completion.failure = Failure(Code::kInternal, "the sandbox is broken");
  runs.next().complete(std::move(completion));

  const Received answer = client.receive();

  EXPECT_EQ(answer.status, 200);
  const Json end = data_of(events_of(answer.body).back());
  EXPECT_EQ(end.find("status")->string(), "failed");
  EXPECT_NE(end.find("error"), nullptr);
  EXPECT_TRUE(log_pipe.next("request").find("ended_with_error")->boolean());
}

TEST_F(StreamRoute, ALeavingReaderCancelsTheRunAtOnce) {
  start();
  Client client = connect();
  client.send(post("/exec/stream", exec_body()));
  FakeRun& run = runs.next();
  client.read_until("running");

  client.close();

  const Json line = log_pipe.next("request");
  EXPECT_TRUE(run.completed);
  EXPECT_TRUE(line.find("client_left")->boolean());
  EXPECT_EQ(line.find("run_status")->string(), "cancelled");
}

TEST_F(StreamRoute, ALeftStreamCanBePickedUpWhereItWasLeft) {
  start();
  Client first = connect();
  first.send(post("/exec/stream?reattach=30s", exec_body()));
  FakeRun& run = runs.next();
  print(run, "one\n");
  first.read_until("\"one");  // a header has "microphone"
  first.close();
  print(run, "two\n");

  Client second = connect();
  second.send(head("GET", "/runs/" + id_of(run) + "/events", "Last-Event-ID: 1\r\n"));
  second.read_until("two");
  run.exit(0);
  const Received answer = second.receive();

  const auto told = events_of(answer.body);
  EXPECT_EQ(name_of(told.front()), "status");
  EXPECT_EQ(data_of(told.back()).find("stdout")->string(), "one\ntwo\n");
  EXPECT_EQ(data_of(told.back()).find("status")->string(), "completed");
}

TEST_F(StreamRoute, AReaderWhoseConnectionStandsStillGivesWayToTheNext) {
  start();
  Client first = connect();
  first.send(post("/exec/stream?reattach=30s", exec_body()));
  FakeRun& run = runs.next();
  print(run, "one\n");
  first.read_until("one");

  Client second = connect();
  second.send(head("GET", "/runs/" + id_of(run) + "/events"));
  second.read_until("one");
  first.receive();  // ends without an event "end"
  print(run, "two\n");
  second.read_until("two");
  EXPECT_FALSE(run.completed) << "the second reader's coming has cancelled the run";
  run.exit(0);

  EXPECT_EQ(data_of(events_of(second.receive().body).back()).find("status")->string(), "completed");
}

TEST_F(StreamRoute, NobodyComesBackAndTheRunIsCancelled) {
  config.streams.reattach = milliseconds(50);
  start();
  Client client = connect();
  client.send(post("/exec/stream?reattach=1h", exec_body()));
  client.read_until("\"reattach_ms\":50");
  FakeRun& run = runs.next();

  client.close();

  EXPECT_EQ(log_pipe.next("request").find("run_status")->string(), "cancelled");
  EXPECT_TRUE(run.completed);
}

TEST_F(StreamRoute, TheEndCanBeReadAfterwardsAndOnlyOnce) {
  start();
  Client first = connect();
  first.send(post("/exec/stream?reattach=30s", exec_body()));
  FakeRun& run = runs.next();
  first.read_until("running");
  first.close();
  run.exit(0);
  log_pipe.next("request");

  const Received answer = ask(head("GET", "/runs/" + id_of(run) + "/events?last_event_id=2"));
  const auto told = events_of(answer.body);
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(name_of(told.back()), "end");

  EXPECT_EQ(ask(head("GET", "/runs/" + id_of(run) + "/events?last_event_id=99")).status, 204);
}

TEST_F(StreamRoute, OtherStreamsCannotBePickedUp) {
  start();
  Client client = connect();
  client.send(post("/exec/stream", exec_body()));
  FakeRun& run = runs.next();

  EXPECT_EQ(get("/runs/" + id_of(run) + "/events").status, 409);
  EXPECT_EQ(get("/runs/aaaaaaaaaaaaaaaaaaaaa/events").status, 404);
}

TEST_F(StreamRoute, AReaderWhoNeverReadsHoldsNobodyUp) {
  config.streams.waiting = 8 << 10;
  config.streams.hold = milliseconds(1);
  for (LanguageConfig& language : config.languages) language.limits.output = 64 << 20;
  start();
  Client client = connect();
  client.send(post("/exec/stream", exec_body()));
  FakeRun& run = runs.next();

  for (int i = 0; i < 400; ++i) print(run, std::string(64 << 10, 'x'));
  EXPECT_EQ(get("/health").status, 200);
  run.exit(0);
  const Received answer = client.receive();

  std::size_t shown = 0, dropped = 0;
  for (const std::string& event : events_of(answer.body)) {
    if (name_of(event) == "stdout") shown += data_of(event).find("text")->string().size();
    if (name_of(event) == "dropped") {
      dropped += static_cast<std::size_t>(data_of(event).find("bytes")->integer());
    }
  }
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(shown + dropped, 400u * (64 << 10));
}

class RunsRoute : public Front {
 protected:
  static std::string as(const std::string& key, const std::string& method,
                        const std::string& target) {
    return method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: " + key + "\r\n\r\n";
  }
};

TEST_F(RunsRoute, TellsWhereEachRunStands) {
  config.admission.runs = 1;
  start();
  Client one = connect(), two = connect();
  one.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  two.send(post("/exec/stream", exec_body()));
  two.read_until("\"position\":1");

  const Json listed = get("/runs").json();

  const auto& all = listed.find("runs")->items();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].find("run_id")->string(), run.request.id);
  EXPECT_EQ(all[0].find("stage")->string(), "running");
  EXPECT_EQ(all[0].find("principal")->string(), "tester");
  EXPECT_TRUE(all[0].find("position")->is_null());
  EXPECT_NE(all[0].find("started_ms"), nullptr);
  EXPECT_EQ(all[1].find("stage")->string(), "queued");
  EXPECT_EQ(all[1].find("position")->integer(), 1);
  EXPECT_EQ(all[1].find("started_ms"), nullptr);
}

TEST_F(RunsRoute, ShowsOnlyOnesOwnRunsButToTheAdministratorAll) {
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  const std::string path = "/runs/" + runs.next().request.id;

  EXPECT_EQ(ask(as("sk-other", "GET", path)).status, 404);
  EXPECT_EQ(ask(as("sk-other", "DELETE", path)).status, 404);
  EXPECT_TRUE(ask(as("sk-other", "GET", "/runs")).json().find("runs")->items().empty());
  EXPECT_EQ(ask(as(kAdminKey, "GET", "/runs")).json().find("runs")->items().size(), 1u);
  EXPECT_EQ(ask(as(kAdminKey, "GET", path)).status, 200);
  EXPECT_EQ(ask(as("sk-wrong", "GET", path)).status, 401);
}

TEST_F(RunsRoute, CancelsARunAndSaysSoAgain) {
  beat->window = std::chrono::seconds(10);
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  const std::string path = "/runs/" + runs.next().request.id;

  EXPECT_EQ(ask(head("DELETE", path)).json().find("message")->string(), "cancelled");
  EXPECT_EQ(client.receive().json().find("status")->string(), "cancelled");
  log_pipe.next("request");
  EXPECT_EQ(ask(head("DELETE", path)).json().find("message")->string(), "already ended");

  const Json shown = get(path).json();
  EXPECT_EQ(shown.find("stage")->string(), "ended");
  EXPECT_EQ(shown.find("end")->find("status")->string(), "cancelled");
  EXPECT_EQ(ask(head("DELETE", "/runs/none")).status, 404);
}

TEST_F(StreamRoute, AQuestionForTheHeadOfEventsTakesNobodysPlace) {
  start();
  Client client = connect();
  client.send(post("/exec/stream?reattach=30s", exec_body()));
  FakeRun& run = runs.next();
  client.read_until("running");

  Client asks = connect();
  asks.send(head("HEAD", "/runs/" + id_of(run) + "/events"));
  EXPECT_NE(asks.read_until("\r\n\r\n").find("text/event-stream"), std::string::npos);

  print(run, "one\n");
  client.read_until("one");
  run.exit(0);
  client.receive();
}

TEST_F(RunsRoute, KeepsNoMoreResultsThanItMay) {
  config.streams.kept = 2000;
  start();
  std::vector<std::string> ids;
  for (int i = 0; i < 12; ++i) {
    Client client = connect();
    client.send(post("/exec", exec_body()));
    FakeRun& run = runs.next();
    ids.push_back(run.request.id);
    run.exit(0);
    client.receive();
  }

  EXPECT_EQ(get("/runs/" + ids.front()).status, 404);
  EXPECT_EQ(get("/runs/" + ids.back()).status, 200);
}

}  // namespace
}  // namespace podium::test
