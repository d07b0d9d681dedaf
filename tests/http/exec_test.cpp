/// POST /exec over the wire: what is refused at once, the fast path, the stream, leaving clients.

#include "http/front.hpp"
#include "support/stalls.hpp"

namespace podium::test {
namespace {

using std::chrono::steady_clock;

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

TEST_F(ExecRoute, NamesTheLimitsThatWereNotEnforcedAndOnlyThose) {
  beat->window = std::chrono::seconds(10);
  start();
  for (const char* unenforced : {"memory, cpu", ""}) {
    Client client = connect();
    client.send(post("/exec", exec_body()));
    FakeRun& run = runs.next();
    Completion completion;
    completion.exit_code = 0;
    completion.unenforced = unenforced;
    run.complete(std::move(completion));

    const Json answer = client.receive().json();

    const Json* limits = answer.find("unenforced_limits");
    EXPECT_EQ(limits == nullptr ? "none" : json_dump(*limits),
              *unenforced == '\0' ? "none" : R"(["memory","cpu"])");
  }
}

TEST_F(ExecRoute, TheEndOfTheStreamComesWithTheLastBytesOfTheAnswer) {
  beat->window = std::chrono::seconds(10);
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  runs.next().exit(0);

  pollfd waiting{client.fd(), POLLIN, 0};
  const int woken = ::poll(&waiting, 1, 30'000);
  waiting.events = POLLIN | POLLRDHUP;
  const int now = ::poll(&waiting, 1, 0);

  ASSERT_EQ(woken, 1);
  EXPECT_EQ(now, 1);
  EXPECT_NE(waiting.revents & POLLRDHUP, 0) << "a client would be woken a second time for the end";
  EXPECT_EQ(client.receive().status, 200);
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
  const Stalls stalls;
  const auto left = steady_clock::now();

  if (GetParam() == Leaving::kClose) client.close();
  if (GetParam() == Leaving::kHalfClose) client.half_close();
  if (GetParam() == Leaving::kReset) client.reset();
  const Json line = log_pipe.next("request");

  EXPECT_LT(steady_clock::now() - left, milliseconds(200) + stalls.lost());
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

}  // namespace
}  // namespace podium::test
