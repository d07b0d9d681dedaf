#pragma once
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>

#include <deque>
#include <string>
#include <thread>
#include <vector>

namespace podium::cli {

/// Answers one connection after the other with what it was told, byte by byte as given, and keeps
/// the requests. Ends, and with it the thread, after the last answer.
class FakeDaemon {
 public:
  explicit FakeDaemon(std::deque<std::string> answers)
      : socket_(Poco::Net::SocketAddress("127.0.0.1", 0)),
        answers_(std::move(answers)),
        thread_([this] { serve(); }) {}
  ~FakeDaemon() { join(); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(socket_.address().port()); }

  /// Waits for the last answer; the requests as they came, head and body.
  const std::vector<std::string>& requests() {
    join();
    return requests_;
  }

  static std::string answer(int status, const std::string& body, const std::string& headers = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nConnection: close\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  void serve() {
    for (const std::string& answer : answers_) {
      Poco::Net::StreamSocket peer = socket_.acceptConnection();
      requests_.push_back(read_request(peer));
      for (std::size_t sent = 0; sent < answer.size();) {
        sent += static_cast<std::size_t>(
            peer.sendBytes(answer.data() + sent, static_cast<int>(answer.size() - sent)));
      }
      peer.shutdownSend();
    }
  }

  static std::string read_request(Poco::Net::StreamSocket& peer) {
    std::string text;
    char buffer[4096];
    for (;;) {
      const std::size_t end = text.find("\r\n\r\n");
      if (end != std::string::npos && text.size() >= end + 4 + body_length(text)) return text;
      const int n = peer.receiveBytes(buffer, sizeof buffer);
      if (n <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(n));
    }
  }

  static std::size_t body_length(const std::string& text) {
    const std::size_t at = text.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(text.substr(at + 16));
  }

  Poco::Net::ServerSocket socket_;
  std::deque<std::string> answers_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace podium::cli
