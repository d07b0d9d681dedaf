#include "http_call.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace {

using podium::sdk::Error;

constexpr std::size_t kLongestHead = 65'536;
constexpr timeval kPatience{30, 0};

Error unavailable(const std::string& what) {
  return {PODIUM_UNAVAILABLE, "the blob server " + what};
}

template <class T>
bool read_number(std::string_view text, T& out, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Address parse_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Address address;
  in_addr ignored{};
  if (colon != std::string::npos &&
      read_number(std::string_view(text).substr(colon + 1), address.port) && address.port != 0) {
    address.host = text.substr(0, colon);
  }
  if (::inet_pton(AF_INET, address.host.c_str(), &ignored) != 1) {
    throw Error(
        PODIUM_INVALID_ARGUMENT,
        "server is '" + text + "', expected an IPv4 address and a port such as 127.0.0.1:8080");
  }
  return address;
}

HttpCall::HttpCall(const Address& server, const std::string& method, const std::string& target,
                   std::int64_t length, const std::string& more_headers)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      chunked_(length < 0),
      headless_(method == "HEAD") {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port);
  ::inet_pton(AF_INET, server.host.c_str(), &address.sin_addr);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  if (!socket_ ||
      ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw unavailable("at " + server.host + ":" + std::to_string(server.port) +
                      " cannot be reached: " + std::strerror(errno));
  }
  send_all(method + " " + target + " HTTP/1.1\r\nHost: " + server.host +
           "\r\nConnection: close\r\n" + more_headers +
           (chunked_ ? "Transfer-Encoding: chunked\r\n\r\n"
                     : "Content-Length: " + std::to_string(length) + "\r\n\r\n"));
}

void HttpCall::send_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw unavailable(std::string("takes no more: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void HttpCall::send(std::string_view piece) {
  if (!chunked_) return send_all(piece);
  if (piece.empty()) return;  // an empty chunk would be the end
  char size[24];
  const int n = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
  send_all({size, static_cast<std::size_t>(n)});
  send_all(piece);
  send_all("\r\n");
}

void HttpCall::finish_body() {
  if (chunked_) send_all("0\r\n\r\n");
}

std::size_t HttpCall::receive(char* buffer, std::size_t capacity) {
  for (;;) {
    const ssize_t n = ::recv(socket_.get(), buffer, capacity, 0);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) throw unavailable(std::string("does not answer: ") + std::strerror(errno));
  }
}

int HttpCall::status() {
  char buffer[4096];
  std::size_t end;
  while ((end = head_.find("\r\n\r\n")) == std::string::npos) {
    const std::size_t n = receive(buffer, sizeof buffer);
    if (n == 0 || head_.size() > kLongestHead) throw unavailable("gave no HTTP answer");
    head_.append(buffer, n);
  }
  rest_ = head_.substr(end + 4);
  head_.resize(end + 2);
  int status = 0;
  if (!head_.starts_with("HTTP/1.") || head_.size() < 12 ||
      !read_number(std::string_view(head_).substr(9, 3), status)) {
    throw unavailable("gave no HTTP answer");
  }
  if (!read_number(header("content-length"), length_))
    throw unavailable("does not say how much it answers");
  return status;
}

std::string HttpCall::header(std::string_view name) const {
  for (std::size_t at = head_.find("\r\n") + 2; at < head_.size();) {
    const std::size_t end = head_.find("\r\n", at);
    const std::string_view line = std::string_view(head_).substr(at, end - at);
    const std::size_t colon = std::min(line.find(':'), line.size());
    const bool same = std::equal(
        line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon), name.begin(), name.end(),
        [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
    if (same && colon < line.size()) {
      const std::size_t value = line.find_first_not_of(" \t", colon + 1);
      return value == std::string_view::npos ? "" : std::string(line.substr(value));
    }
    at = end + 2;
  }
  return {};
}

void HttpCall::read_body(const std::function<void(std::string_view)>& each) {
  if (headless_) return;
  std::uint64_t left = length_;
  const std::size_t first = static_cast<std::size_t>(std::min<std::uint64_t>(rest_.size(), left));
  if (first > 0) each(std::string_view(rest_).substr(0, first));
  left -= first;
  std::string buffer(65'536, '\0');
  while (left > 0) {
    const std::size_t n = receive(
        buffer.data(), static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left)));
    if (n == 0) throw unavailable("left in the middle of a blob");
    each({buffer.data(), n});
    left -= n;
  }
}
