/// POST /exec over the wire: what is refused at once, the fast path, the stream, leaving clients.

#include "http/front.hpp"

namespace podium::test {
namespace {

using std::chrono::steady_clock;

void print(FakeRun& run, std::string_view text, unsigned stream = 1) {
  run.events->on_output(stream, text);
}

Completion failed(Code code, const std::string& message) {
  Completion completion;
  completion.failure = Failure(code, message);
  return completion;
}

class ExecRoute : public Front {};

TEST_F(ExecRoute, FastPathReturnsAnOrdinaryAnswer) {
  beat->window = std::chrono::seconds(10);
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  print(run, "hello\n");
  run.exit(0);

  const Received answer = client.receive();

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Length"), std::to_string(answer.body.size()));
  EXPECT_EQ(answer.count("Transfer-Encoding"), 0u);
  EXPECT_EQ(answer.body.front(), '{');
  EXPECT_EQ(answer.json().find("stdout")->string(), "hello\n");
  const Json line = log_pipe.next("request");
  EXPECT_EQ(line.find("answer")->string(), "fast");
  EXPECT_EQ(line.find("beats")->integer(), 0);
}

TEST_F(ExecRoute, SlowPathStreams) {
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  client.read_until("1\r\n \r\n1\r\n \r\n");
  run.exit(0);

  const Received answer = client.receive();

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(answer.header("X-Accel-Buffering"), "no");
  EXPECT_EQ(answer.header("Cache-Control"), "no-store, no-transform");
  EXPECT_EQ(answer.count("Cache-Control"), 1u);
  EXPECT_TRUE(answer.complete);
  const Json line = log_pipe.next("request");
  EXPECT_EQ(line.find("answer")->string(), "stream");
  EXPECT_GE(line.find("beats")->integer(), 2);
  EXPECT_EQ(line.find("interval_ms")->integer(), 20);
}

TEST_F(ExecRoute, SendsAnEarlyHeartbeatForALongRequest) {
  start();
  Client client = connect();
  const auto sent = steady_clock::now();
  client.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();

  client.read_until("\r\n\r\n1\r\n \r\n");  // the head and one space, while the run goes on

  EXPECT_FALSE(run.completed);
  EXPECT_GE(steady_clock::now() - sent, *beat->window);
  EXPECT_LT(steady_clock::now() - sent, std::chrono::seconds(5));
}

TEST_F(ExecRoute, StreamedAnswerEndsWithValidExecJson) {
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  client.read_until("1\r\n \r\n");
  print(run, "out");
  print(run, "err", 2);
  run.exit(3);

  const Received answer = client.receive();
  client.read_all();

  EXPECT_TRUE(client.input().empty()) << "nothing may follow the answer";
  EXPECT_EQ(answer.body.find_first_not_of(' '), answer.body.find('{'));
  EXPECT_EQ(answer.body.back(), '}');
  const Json json = answer.json();
  EXPECT_EQ(json.find("session_id")->string().size(), 21u);
  EXPECT_EQ(json.find("stdout")->string(), "out");
  EXPECT_NE(json.find("stderr")->string().find("err"), std::string::npos);
  EXPECT_TRUE(json.find("files")->is_array());
  EXPECT_EQ(json.find("code")->integer(), 3);
  for (const char* name : {"has_state", "state_size", "state_hash"}) {
    ASSERT_NE(json.find(name), nullptr) << name;
    EXPECT_TRUE(json.find(name)->is_null()) << name;
  }
}

TEST_F(ExecRoute, StreamedPathTurnsARuntimeErrorIntoAJsonPayload) {
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  client.read_until("1\r\n \r\n");
  run.complete(failed(Code::kInternal, "pod.cpp:42: read(/var/lib/podium/runs/x): EIO"));

  const Received answer = client.receive();

  EXPECT_EQ(answer.status, 200);
  const Json json = answer.json();
  EXPECT_EQ(json.find("session_id")->string().size(), 21u);
  EXPECT_EQ(json.find("stdout")->string(), "");
  EXPECT_FALSE(json.find("stderr")->string().empty());
  EXPECT_TRUE(json.find("files")->items().empty());
  EXPECT_EQ(json.find("status")->string(), "failed");
  EXPECT_TRUE(json.find("error")->is_string());
  // No trace of internals.
  EXPECT_EQ(answer.body.find("pod.cpp"), std::string::npos);
  EXPECT_EQ(answer.body.find("/var/lib"), std::string::npos);
  const Json line = log_pipe.next("request");
  EXPECT_TRUE(line.find("ended_with_error")->boolean());
  EXPECT_FALSE(line.find("client_left")->boolean());
  EXPECT_TRUE(line.find("error")->is_string());
}

TEST_F(ExecRoute, ErrorAfterCommitmentIsJson) {
  config.admission.runs = 1;
  config.admission.queue_wait = milliseconds(200);
  start();
  Client first = connect();
  first.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  Client second = connect();
  second.send(post("/exec", exec_body()));

  const Received answer = second.receive();  // its wait in the queue runs out after the window
  run.exit(0);

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.front(), ' ');
  const Json json = answer.json();
  EXPECT_EQ(json.find("status")->string(), "failed");
  EXPECT_EQ(json.find("stderr")->string(), json.find("error")->string() + "\n");
  EXPECT_NE(json.find("session_id"), nullptr);
}

TEST_F(ExecRoute, AnErrorWithinTheWindowHasItsTrueStatus) {
  beat->window = std::chrono::seconds(10);
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  runs.next().complete(failed(Code::kInternal, "secret detail"));

  const Received answer = client.receive();

  EXPECT_EQ(answer.status, 500);
  const Json json = answer.json();
  EXPECT_EQ(json.find("error_type")->string(), "internal_server");
  EXPECT_EQ(json.find("request_id")->string(), answer.header("X-Request-ID"));
  EXPECT_EQ(answer.body.find("secret"), std::string::npos);
}

TEST_F(ExecRoute, StreamingPathLogsDisconnectAndCompletion) {
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  client.read_until("1\r\n \r\n");
  client.close();

  const Json line = log_pipe.next("request");

  EXPECT_EQ(run.cancels, 1u);
  EXPECT_TRUE(line.find("client_left")->boolean());
  EXPECT_EQ(line.find("client_left_during")->string(), "run");
  EXPECT_EQ(line.find("answer")->string(), "stream");
  EXPECT_EQ(line.find("run_status")->string(), "cancelled");
  EXPECT_GE(line.find("completed_ms")->number(), line.find("client_left_ms")->number());
  EXPECT_GT(line.find("first_byte_ms")->number(), 0);
}

/// How a client can leave.
enum class Leaving { kClose, kHalfClose, kReset };

class LeavingClient : public ExecRoute, public testing::WithParamInterface<Leaving> {};

TEST_P(LeavingClient, CancelsItsRunWithin200Ms) {
  beat->window = std::chrono::seconds(30);  // no byte has been sent: only reading can notice
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  const auto left = steady_clock::now();

  if (GetParam() == Leaving::kClose) client.close();
  if (GetParam() == Leaving::kHalfClose) client.half_close();
  if (GetParam() == Leaving::kReset) client.reset();
  const Json line = log_pipe.next("request");

  EXPECT_LT(steady_clock::now() - left, milliseconds(200));
  EXPECT_EQ(run.cancels, 1u);
  EXPECT_TRUE(line.find("client_left")->boolean());
  EXPECT_EQ(line.find("status")->integer(), 0);
}

INSTANTIATE_TEST_SUITE_P(Ways, LeavingClient,
                         testing::Values(Leaving::kClose, Leaving::kHalfClose, Leaving::kReset));

TEST_F(ExecRoute, AClientThatFloodsWhileItsRunGoesOnIsTakenForGone) {
  beat->window = std::chrono::seconds(30);
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  const std::string flood(1 << 16, 'x');

  for (int i = 0; i < 64 && !run.completed; ++i) client.try_send(flood);
  const Json line = log_pipe.next("request");

  EXPECT_TRUE(line.find("client_left")->boolean());
  EXPECT_EQ(run.cancels, 1u);
}

TEST_F(ExecRoute, AnHttp10ClientGetsNoChunksAndTheEndOfTheConnection) {
  start();
  Client client = connect();
  const std::string body = exec_body();
  client.send(std::string("POST /exec HTTP/1.0\r\nX-API-Key: ") + kKey +
              "\r\nContent-Type: application/json\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  FakeRun& run = runs.next();
  client.read_until("\r\n\r\n  ");
  run.exit(0);

  const Received answer = client.receive();

  EXPECT_EQ(answer.count("Transfer-Encoding"), 0u);
  EXPECT_EQ(answer.count("Content-Length"), 0u);
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_EQ(answer.json().find("status")->string(), "completed");
}

TEST_F(ExecRoute, WithoutAStrategyTheAnswerWaitsForTheResult) {
  config.routes.clear();
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  run.exit(0);

  EXPECT_EQ(client.receive().count("Content-Length"), 1u);
}

TEST_F(ExecRoute, IsServedUnderV1Too) {
  start();
  Client client = connect();
  client.send(post("/v1/exec", exec_body()));
  runs.next().exit(0);

  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(ExecRoute, AFullQueueIsRefusedAtOnceWithRetryAfter) {
  config.admission.runs = 1;
  config.admission.queue = 0;
  start();
  Client first = connect();
  first.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();

  const Received answer = ask(post("/exec", exec_body()));
  run.exit(0);

  EXPECT_EQ(answer.status, 503);
  EXPECT_FALSE(answer.header("Retry-After").empty());
  EXPECT_EQ(answer.json().find("error_type")->string(), "resource_exhausted");
}

TEST_F(ExecRoute, TheConnectionIsClosedAfterTheAnswer) {
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  runs.next().exit(0);

  const Received answer = client.receive();

  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_EQ(answer.count("Keep-Alive"), 0u);
  EXPECT_TRUE(client.closed_silently());
}

TEST_F(ExecRoute, ByOptionTheConnectionIsKeptAndPipelinedRequestsAreServedInOrder) {
  config.http.keep_alive_exec = true;
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()) + post("/exec", exec_body()));
  FakeRun& one = runs.next();
  print(one, "first");
  one.exit(0);
  const Received first = client.receive();
  FakeRun& two = runs.next();
  print(two, "second");
  two.exit(0);
  const Received second = client.receive();

  EXPECT_EQ(first.count("Connection"), 0u);
  EXPECT_EQ(first.count("Keep-Alive"), 0u);
  EXPECT_EQ(first.json().find("stdout")->string(), "first");
  EXPECT_EQ(second.json().find("stdout")->string(), "second");
  EXPECT_EQ(log_pipe.next("request").find("ordinal")->integer(), 1);
  EXPECT_EQ(log_pipe.next("request").find("ordinal")->integer(), 2);
}

TEST_F(ExecRoute, AKeptConnectionIsClosedByARequestToAnotherRoute) {
  config.http.keep_alive_exec = true;
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  runs.next().exit(0);
  client.receive();
  client.send(head("GET", "/health"));

  const Received answer = client.receive();

  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_TRUE(client.closed_silently());
}

TEST_F(ExecRoute, TheLineOfARequestSaysWhatItCameTo) {
  start();
  Client client = connect();
  client.send(post("/exec", exec_body(), "application/json", "X-Request-ID: abc-1\r\n"));
  runs.next().exit(0);
  client.receive();

  const Json line = log_pipe.next("request");

  EXPECT_EQ(line.find("request_id")->string(), "abc-1");
  EXPECT_EQ(line.find("peer")->string().substr(0, 10), "127.0.0.1:");
  EXPECT_EQ(line.find("ordinal")->integer(), 1);
  EXPECT_EQ(line.find("method")->string(), "POST");
  EXPECT_EQ(line.find("route")->string(), "/exec");
  EXPECT_EQ(line.find("status")->integer(), 200);
  EXPECT_EQ(line.find("principal")->string(), "tester");
  EXPECT_FALSE(line.find("client_left")->boolean());
  for (const char* name : {"connection", "first_byte_ms", "total_ms", "queue_ms", "staging_ms",
                           "run_ms", "collect_ms", "beats"}) {
    ASSERT_NE(line.find(name), nullptr) << name;
    EXPECT_TRUE(line.find(name)->is_number()) << name;
  }
}

TEST_F(ExecRoute, TheLogAndTheMetricsComeAfterTheLastByteEvenWhenTheLogIsStalled) {
  start();
  log_pipe.stall();
  for (int i = 0; i < 3; ++i) {
    Client client = connect();
    client.send(post("/exec", exec_body()));
    runs.next().exit(0);
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_TRUE(client.closed_silently());
  }

  EXPECT_EQ(log_pipe.next("request").find("status")->integer(), 200);
}

TEST_F(ExecRoute, AStalledStorageHoldsUpNoRunWithoutFiles) {
  start();
  storage->put_gate.close();
  Client uploading = connect();
  uploading.send(post("/upload", form(part("name=\"file\"; filename=\"a\"", "x")), kFormType));
  Client client = connect();
  client.send(post("/exec", exec_body()));
  runs.next().exit(0);

  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(get("/health").status, 200);
  storage->put_gate.open();
  EXPECT_EQ(uploading.receive().status, 200);
}

TEST_F(ExecRoute, TheEndOfALeaseIsNotWaitedFor) {
  start();
  runtime->release_gate.close();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  runs.next().exit(0);

  const Received answer = client.receive();
  runtime->release_gate.open();

  EXPECT_EQ(answer.status, 200);
}

TEST_F(ExecRoute, ARunThatTheDaemonCancelsIsToldAsSuch) {
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  runs.next();
  client.read_until("1\r\n \r\n");
  on_io([this] { exec->cancel_all(); });

  EXPECT_EQ(client.receive().json().find("status")->string(), "cancelled");
}

TEST_F(ExecRoute, DrainingLetsARunFinishAndEndsIdleConnections) {
  config.http.keep_alive_exec = true;
  start();
  Client kept = connect();
  kept.send(post("/exec", exec_body()));
  runs.next().exit(0);
  kept.receive();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  std::promise<void> drained;
  asio::co_spawn(io, server->drain(std::chrono::seconds(20)),
                 [&](std::exception_ptr) { drained.set_value(); });

  EXPECT_TRUE(kept.closed_silently());
  run.exit(0);
  EXPECT_EQ(client.receive().header("Connection"), "close");
  client.close();
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

}  // namespace
}  // namespace podium::test
