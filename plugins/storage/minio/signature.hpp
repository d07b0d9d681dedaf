#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings.hpp"

namespace podium::s3 {

/// One request before it is signed.
struct Request {
  std::string method;
  std::string object;  ///< name of an object; empty: of the bucket itself
  std::vector<std::pair<std::string, std::string>> query;
  std::map<std::string, std::string> headers;  ///< in lower case; those that are not signed
};

/// RFC 3986: all but the unreserved characters as %XX; '/' stays when `keep_slash`.
std::string uri_encode(std::string_view text, bool keep_slash = false);

/// "/bucket/object" or "/object", encoded.
std::string request_path(const Settings& settings, const Request& request);

/// "a=1&b=2", sorted and encoded, as it is both sent and signed; empty without a query.
std::string canonical_query(const Request& request);

/// The headers that sign a request by Signature Version 4: authorization, x-amz-date,
/// x-amz-content-sha256 and, with a token, x-amz-security-token. `payload` is the SHA-256 of the
/// body or "UNSIGNED-PAYLOAD"; `time` is UTC as "20261122T034946Z".
std::map<std::string, std::string> sign(const Settings& settings, const Request& request,
                                        const std::string& payload, const std::string& time);

}  // namespace podium::s3
