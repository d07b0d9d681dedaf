/// POST /exec and what is around it: the connection, the log line, what an answer does not wait
/// for.

#include "http/front.hpp"

namespace podium::test {
namespace {

class ExecAndTheRest : public Front {};

TEST_F(ExecAndTheRest, AFullQueueIsRefusedAtOnceWithRetryAfter) {
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

TEST_F(ExecAndTheRest, TheConnectionIsClosedAfterTheAnswer) {
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  runs.next().exit(0);

  const Received answer = client.receive();

  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_EQ(answer.count("Keep-Alive"), 0u);
  EXPECT_TRUE(client.closed_silently());
}

TEST_F(ExecAndTheRest, ByOptionTheConnectionIsKeptAndPipelinedRequestsAreServedInOrder) {
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

TEST_F(ExecAndTheRest, AKeptConnectionIsClosedByARequestToAnotherRoute) {
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

TEST_F(ExecAndTheRest, TheLineOfARequestSaysWhatItCameTo) {
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

TEST_F(ExecAndTheRest, TheLogAndTheMetricsComeAfterTheLastByteEvenWhenTheLogIsStalled) {
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

TEST_F(ExecAndTheRest, AStalledStorageHoldsUpNoRunWithoutFiles) {
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

TEST_F(ExecAndTheRest, TheEndOfALeaseIsNotWaitedFor) {
  start();
  runtime->release_gate.close();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  runs.next().exit(0);

  const Received answer = client.receive();
  runtime->release_gate.open();

  EXPECT_EQ(answer.status, 200);
}

TEST_F(ExecAndTheRest, ARunThatTheDaemonCancelsIsToldAsSuch) {
  start();
  Client client = connect();
  client.send(post("/exec", exec_body()));
  runs.next();
  client.read_until("1\r\n \r\n");
  on_io([this] { exec->cancel_all(); });

  EXPECT_EQ(client.receive().json().find("status")->string(), "cancelled");
}

TEST_F(ExecAndTheRest, DrainingLetsARunFinishAndEndsIdleConnections) {
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
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

}  // namespace
}  // namespace podium::test
