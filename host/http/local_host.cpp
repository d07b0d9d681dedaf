#include "http/local_host.hpp"

#include <algorithm>

#include "base/failure.hpp"

namespace podium {
namespace {

std::string_view without_port(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

/// Four numbers, the first of them 127: not a name like "127.example".
bool is_loopback_v4(std::string_view host) {
  return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
         std::all_of(host.begin(), host.end(),
                     [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

}  // namespace

bool is_local_host(std::string_view host, std::string_view reached_address) {
  const std::string_view name = without_port(host);
  return equal_ignoring_case(name, "localhost") || is_loopback_v4(name) || name == "::1" ||
         (!name.empty() && name == reached_address);
}

void check_local_request(const RequestHead& head, std::string_view reached_address) {
  const std::string* host = head.headers.find("Host");
  if (host != nullptr && !is_local_host(*host, reached_address)) {
    throw Failure(Code::kForbidden,
                  "without keys only requests to a local Host are served, such as 127.0.0.1");
  }
  const std::string* origin = head.headers.find("Origin");
  if (origin == nullptr) return;
  const std::size_t scheme = origin->find("://");
  if (scheme == std::string::npos ||
      !is_local_host(std::string_view(*origin).substr(scheme + 3), reached_address)) {
    throw Failure(Code::kForbidden, "without keys no request of a foreign web page is served");
  }
}

void check_no_web_page(const RequestHead& head) {
  if (head.headers.find("Origin") == nullptr && head.headers.find("Sec-Fetch-Site") == nullptr) {
    return;
  }
  throw Failure(Code::kForbidden, "without keys no request of a web page is served");
}

}  // namespace podium
