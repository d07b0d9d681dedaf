/// The memory that the bodies of many requests share.

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>

#include "http/front.hpp"

namespace podium {
namespace {

using test::Client;
using test::FakeRun;
using test::Front;
using test::Received;

class BodyBudget : public Front {
 protected:
  /// A head without credentials: the key is to come in the body.
  static std::string stranger(std::size_t length, const std::string& body) {
    return "POST /exec HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
           "Content-Length: " +
           std::to_string(length) + "\r\n\r\n" + body;
  }
  static std::string stranger(const std::string& body) { return stranger(body.size(), body); }
  /// Begins a request of one who is known; returns when the server waits for its body.
  static void announce(Client& client, std::size_t length) {
    client.send(head("POST", "/exec",
                     "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: " +
                         std::to_string(length) + "\r\n"));
    EXPECT_EQ(client.receive().status, 100);
  }
  static std::string with_key(std::size_t padding) {
    return exec_body(std::string(",\"apiKey\":\"") + kKey + "\",\"user_id\":\"" +
                     std::string(padding, 'x') + "\"");
  }
  /// Asks again and again until the answer has that status.
  Received ask_until(int status, const std::string& request) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    Received answer;
    do {
      answer = ask(request);
    } while (answer.status != status && std::chrono::steady_clock::now() < deadline);
    EXPECT_EQ(answer.status, status);
    return answer;
  }
};

TEST_F(BodyBudget, RefusesAStrangerWhoseBodyIsTooMuchAndSaysWhatToDo) {
  config.http.unknown_bodies = 100'000;
  start();

  const Received answer = ask(stranger(with_key(200'000)));

  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("Retry-After"), "1");
  EXPECT_EQ(answer.json().find("error_type")->string(), "resource_exhausted");
  EXPECT_NE(answer.json().find("error")->string().find("send the key in a header"),
            std::string::npos);
}

TEST_F(BodyBudget, IsSharedByAllStrangersAndGivenBackWhenOneLeaves) {
  runtime->behaviour = [](FakeRun& run) { run.exit(0); };
  config.http.unknown_bodies = 100'000;
  start();
  const std::string honest = stranger(with_key(30'000));
  Client hoarder = connect();
  hoarder.send(stranger(1'000'000, std::string(90'000, ' ')));

  ask_until(503, honest);
  hoarder.close();

  ask_until(200, honest);
}

TEST_F(BodyBudget, OfStrangersDoesNotConcernThoseWhoSendAKeyInAHeader) {
  runtime->behaviour = [](FakeRun& run) { run.exit(0); };
  config.http.unknown_bodies = 100'000;
  start();
  Client hoarder = connect();
  hoarder.send(stranger(1'000'000, std::string(90'000, ' ')));
  ask_until(503, stranger(with_key(30'000)));

  const std::string body = exec_body(",\"user_id\":\"" + std::string(300'000, 'x') + "\"");

  EXPECT_EQ(ask(post("/exec", body)).status, 200);
}

TEST_F(BodyBudget, ChargesAStrangerOnlyForWhatHasArrived) {
  runtime->behaviour = [](FakeRun& run) { run.exit(0); };
  config.http.unknown_bodies = 100'000;
  start();
  Client promising = connect();
  promising.send(stranger(4'000'000, "{"));

  EXPECT_EQ(ask(stranger(with_key(90'000))).status, 200);
}

TEST_F(BodyBudget, TellsOneWhoIsKnownBeforeTheBodyIsReadThatItCannotBeTaken) {
  config.admission.requests = 1'000'000;
  start();
  Client first = connect();
  announce(first, 800'000);

  const Received answer =
      ask(head("POST", "/exec", "Content-Type: application/json\r\nContent-Length: 800000\r\n"));
  EXPECT_EQ(answer.status, 503);

  EXPECT_NE(answer.header("Retry-After"), "");
  EXPECT_NE(answer.json().find("error")->string().find("this host is full"), std::string::npos);
}

TEST_F(BodyBudget, CountsARequestUntilItsRunHasEnded) {
  config.admission.requests = 1'000'000;
  start();
  const std::string body = R"({"lang":"py","code":"print(1)#)" + std::string(800'000, 'x') + "\"}";
  Client first = connect();
  first.send(post("/exec", body));
  FakeRun& run = runs.next();
  EXPECT_EQ(ask(post("/exec", body)).status, 503);

  run.exit(0);
  EXPECT_EQ(first.receive().status, 200);

  runtime->behaviour = [](FakeRun& next) { next.exit(0); };
  EXPECT_EQ(ask(post("/exec", body)).status, 200);
}

TEST_F(BodyBudget, TakesSmallRequestsWhileLargeOnesFillIt) {
  config.admission.requests = 1'000'000;
  start();
  Client hoarder = connect();
  announce(hoarder, 1'000'000);
  runtime->behaviour = [](FakeRun& run) { run.exit(0); };

  EXPECT_EQ(ask(post("/exec", exec_body())).status, 200);
}

}  // namespace
}  // namespace podium
