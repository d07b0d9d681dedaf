#pragma once
#include <string_view>

#include "http/head.hpp"

namespace podium {

/// Whether a Host header ("localhost:8000", "127.0.0.1", "[::1]:8000") names this machine:
/// localhost, a loopback address, or the address the client has reached.
bool is_local_host(std::string_view host, std::string_view reached_address);

/// The guard of no-key mode: a web page that the user visits can send requests here too, under the
/// page's own name (DNS rebinding) or with its origin. Throws Failure(kForbidden).
void check_local_request(const RequestHead& head, std::string_view reached_address);

/// The same for clients of trusted networks, who reach this machine by any name: browsers say where
/// a request comes from, other clients do not. Throws Failure(kForbidden).
void check_no_web_page(const RequestHead& head);

}  // namespace podium
