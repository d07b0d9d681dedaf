#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace podium::test {

/// What a connection of the fake store does with one request.
struct FakeAnswer {
  std::string bytes;   ///< the raw answer; empty: none
  bool close = false;  ///< afterwards, by a reset
};

/// A server that reads HTTP requests and answers each with what the test says. One connection at a
/// time is served by each of its threads.
class FakeStore {
 public:
  struct Request {
    std::string method, target, head, body;
    int connection = 0;  ///< number of the connection it came by
  };
  using Answer = std::function<FakeAnswer(const Request&)>;

  explicit FakeStore(Answer answer);
  FakeStore(const FakeStore&) = delete;
  FakeStore& operator=(const FakeStore&) = delete;
  ~FakeStore();

  std::string endpoint() const;
  std::vector<Request> requests() const;

 private:
  void accept_all();
  void serve(int fd, int number);

  Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// An answer with a body.
std::string http_answer(int status, const std::string& body, const std::string& headers = "");

}  // namespace podium::test
