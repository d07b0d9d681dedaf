/// Many requests that wait: what each costs, and that all are served.

#include <malloc.h>

#include "http/front.hpp"

namespace podium::test {
namespace {

class Waiting : public Front {
 protected:
  std::size_t heap_on_io() {
    std::size_t bytes = 0;
    on_io([&] { bytes = ::mallinfo2().uordblks; });
    return bytes;
  }
};

TEST_F(Waiting, ARequestInTheQueueCostsAtMostSevenKilobytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the allocator of a sanitizer is another";
#endif
  constexpr unsigned kClients = 1000;
  config.admission.runs = 1;
  config.admission.queue = 2 * kClients;
  config.admission.queue_wait = std::chrono::minutes(2);
  beat->beat_interval = std::chrono::seconds(4);
  start();
  Client running = connect();
  running.send(post("/exec", exec_body()));
  FakeRun& run = runs.next();
  const std::string request = post("/exec", exec_body(",\"args\":[\"one\",\"two\"]"));
  std::vector<Client> clients;
  clients.reserve(kClients);
  const std::size_t before = heap_on_io();

  for (unsigned i = 0; i < kClients; ++i) {
    clients.push_back(connect());
    clients.back().send(request);
  }
  for (Client& client : clients) client.read_until("1\r\n \r\n");  // each is past its window
  const std::size_t after = heap_on_io();

  std::size_t own = 0;
  for (const Client& client : clients) own += client.capacity();
  const std::size_t each = (after - before - std::min(own, after - before)) / kClients;
  RecordProperty("bytes_a_waiting_request", static_cast<int>(each));
  std::printf("             %zu bytes a waiting request\n", each);
  EXPECT_LE(each, 7'000u);
  EXPECT_EQ(exec->waiting(), kClients);

  on_io([this] { exec->cancel_all(); });
  run.exit(0);
  for (Client& client : clients) EXPECT_EQ(client.receive().status, 200);
}

}  // namespace
}  // namespace podium::test
