#pragma once
/// A client that speaks HTTP by hand, so that it can also speak it wrongly.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/json.hpp"
#include "http/head.hpp"

namespace podium::test {

/// An answer as it came.
struct Received {
  int status = 0;
  std::vector<HeaderField> headers;
  std::string raw_body;   ///< as on the wire
  std::string body;       ///< without chunking
  bool complete = false;  ///< the body has the announced length, or its last chunk
  std::size_t chunks = 0;

  std::string header(std::string_view name) const {
    for (const auto& field : headers) {
      if (equal_ignoring_case(field.name, name)) return field.value;
    }
    return {};
  }
  std::size_t count(std::string_view name) const {
    std::size_t found = 0;
    for (const auto& field : headers) found += equal_ignoring_case(field.name, name) ? 1 : 0;
    return found;
  }
  Json json() const { return json_parse(body); }
};

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
    }
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0) throw std::runtime_error(std::string("send: ") + std::strerror(errno));
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// Sends as much as the server takes; false when it has closed.
  bool try_send(std::string_view bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0;
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }

  /// Reads more; false at the end. Throws for a reset connection and after half a minute of
  /// silence.
  bool read_some() {
    pollfd waiting{fd_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 30'000) != 1) throw std::runtime_error("the server says nothing");
    char buffer[65536];
    const ssize_t n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (n < 0) throw std::runtime_error(std::string("recv: ") + std::strerror(errno));
    input_.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }
  const std::string& read_until(std::string_view mark) {
    while (input_.find(mark) == std::string::npos) {
      if (!read_some())
        throw std::runtime_error("the server closed before '" + std::string(mark) + "'");
    }
    return input_;
  }
  void read_bytes(std::size_t size) {
    while (input_.size() < size) {
      if (!read_some()) throw std::runtime_error("the server closed too early");
    }
  }
  /// Everything up to the end of the stream.
  const std::string& read_all() {
    while (read_some()) {
    }
    return input_;
  }
  /// Whether the server closes without a word.
  bool closed_silently() {
    read_all();
    return input_.empty();
  }

  /// The next answer; reads no further than its end, unless that is the end of the stream.
  Received receive(bool to_head = false) {
    read_until("\r\n\r\n");
    const std::size_t end = input_.find("\r\n\r\n") + 4;
    Received answer = parse_head(input_.substr(0, end));
    input_.erase(0, end);
    if (answer.status == 100) return answer;
    const std::string length = answer.header("Content-Length");
    if (to_head || answer.status == 204 || answer.status == 304) {
      answer.complete = true;
    } else if (!length.empty()) {
      take_length(answer, std::stoul(length));
    } else if (answer.header("Transfer-Encoding") == "chunked") {
      take_chunks(answer);
    } else {
      answer.raw_body = answer.body = std::exchange(input_, {}), read_rest(answer);
    }
    return answer;
  }
  std::string& input() { return input_; }
  int fd() const { return fd_.get(); }
  std::size_t capacity() const { return input_.capacity(); }

 private:
  static Received parse_head(const std::string& text) {
    Received answer;
    if (text.compare(0, 9, "HTTP/1.1 ") != 0) throw std::runtime_error("no status line: " + text);
    answer.status = std::stoi(text.substr(9, 3));
    std::size_t at = text.find("\r\n") + 2;
    while (text.compare(at, 2, "\r\n") != 0) {
      const std::size_t end = text.find("\r\n", at);
      const std::size_t colon = text.find(": ", at);
      answer.headers.push_back(
          {text.substr(at, colon - at), text.substr(colon + 2, end - colon - 2)});
      at = end + 2;
    }
    return answer;
  }
  bool have(std::size_t size) {
    while (input_.size() < size) {
      if (!read_some()) return false;
    }
    return true;
  }
  void take_length(Received& answer, std::size_t size) {
    answer.complete = have(size);
    answer.raw_body = answer.body = input_.substr(0, size);
    input_.erase(0, size);
  }
  void take_chunks(Received& answer) {
    for (;;) {
      while (input_.find("\r\n") == std::string::npos) {
        if (!read_some()) return;
      }
      const std::size_t line = input_.find("\r\n");
      const std::size_t size = std::stoul(input_.substr(0, line), nullptr, 16);
      if (!have(line + 2 + size + 2)) return;
      answer.raw_body += input_.substr(0, line + 2 + size + 2);
      answer.body += input_.substr(line + 2, size);
      input_.erase(0, line + 2 + size + 2);
      if (size == 0) {
        answer.complete = true;
        return;
      }
      ++answer.chunks;
    }
  }
  void read_rest(Received& answer) {
    while (read_some()) {
    }
    answer.body += std::exchange(input_, {});
    answer.raw_body = answer.body;
    answer.complete = true;
  }

  UniqueFd fd_;
  std::string input_;
};

}  // namespace podium::test
