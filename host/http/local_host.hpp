#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "http/head.hpp"

namespace podium {

/// Whether a Host header ("localhost:8000", "127.0.0.1", "[::1]:8000") names this machine:
/// localhost, a loopback address, or the address the client has reached.
bool is_local_host(std::string_view host, std::string_view reached_address);

/// The host, with its port, of an Origin ("https://podium.internal:8000"); empty for "null".
std::string_view origin_host(std::string_view origin) noexcept;

/// Whether nobody on the internet can make that Host's name point here: it is an address, a name of
/// one level, or one of a domain that is nobody's ("podium.internal").
bool is_private_host(std::string_view host);

/// The guard of requests of this machine that need no key: a web page that the user visits can send
/// requests here too, under the page's own name (DNS rebinding) or with its origin. `names`: what
/// else this machine is called. Throws Failure(kForbidden).
void check_local_request(const RequestHead& head, std::string_view reached_address,
                         const std::vector<std::string>& names);

/// The same for clients of trusted networks: browsers say where a request comes from but when they
/// take it for the page's own, and then the Host is the page's. Throws Failure(kForbidden).
void check_no_web_page(const RequestHead& head, const std::vector<std::string>& names);

/// The same for a WebSocket, which browsers let a page of any origin open without asking the
/// server, unlike requests with JSON: only a page of this server may. Throws Failure(kForbidden).
void check_same_origin(const RequestHead& head);

}  // namespace podium
