#include "http/local_host.hpp"

#include <arpa/inet.h>

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

bool is_named(std::string_view host, const std::vector<std::string>& names) {
  const std::string_view name = without_port(host);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& known) { return equal_ignoring_case(name, known); });
}

}  // namespace

bool is_local_host(std::string_view host, std::string_view reached_address) {
  const std::string_view name = without_port(host);
  return equal_ignoring_case(name, "localhost") || is_loopback_v4(name) || name == "::1" ||
         (!name.empty() && name == reached_address);
}

bool is_private_host(std::string_view host) {
  const std::string_view name = without_port(host);
  if (name.empty()) return false;
  const std::string text(name);
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1 ||
      ::inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
    return true;
  }
  if (name.find('.') == std::string_view::npos) return true;
  for (const std::string_view domain :
       {".local", ".localhost", ".internal", ".home.arpa", ".lan"}) {
    if (name.size() > domain.size() &&
        equal_ignoring_case(name.substr(name.size() - domain.size()), domain)) {
      return true;
    }
  }
  return false;
}

std::string_view origin_host(std::string_view origin) noexcept {
  const std::size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view() : origin.substr(scheme + 3);
}

void check_local_request(const RequestHead& head, std::string_view reached_address,
                         const std::vector<std::string>& names) {
  const std::string* host = head.headers.find("Host");
  if (host != nullptr && !is_local_host(*host, reached_address) && !is_named(*host, names)) {
    throw Failure(Code::kForbidden,
                  "without keys only requests to a local Host are served, such as 127.0.0.1, or to "
                  "one of auth.hosts");
  }
  const std::string* origin = head.headers.find("Origin");
  if (origin == nullptr) return;
  const std::string_view from = origin_host(*origin);
  if (from.empty() || !is_local_host(from, reached_address)) {
    throw Failure(Code::kForbidden, "without keys no request of a foreign web page is served");
  }
}

void check_no_web_page(const RequestHead& head, const std::vector<std::string>& names) {
  if (head.headers.find("Origin") != nullptr || head.headers.find("Sec-Fetch-Site") != nullptr) {
    throw Failure(Code::kForbidden, "without keys no request of a web page is served");
  }
  const std::string* host = head.headers.find("Host");
  if (host == nullptr || is_private_host(*host) || is_named(*host, names)) return;
  throw Failure(Code::kForbidden,
                "without keys a Host of the public internet is not served; if it is this server's, "
                "name it in auth.hosts");
}

void check_same_origin(const RequestHead& head) {
  const std::string* origin = head.headers.find("Origin");
  const std::string* host = head.headers.find("Host");
  if (origin == nullptr) return;
  if (host != nullptr && equal_ignoring_case(origin_host(*origin), *host)) return;
  throw Failure(Code::kForbidden, "without keys no WebSocket of a foreign web page is served");
}

}  // namespace podium
