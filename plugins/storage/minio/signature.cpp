#include "signature.hpp"

#include <algorithm>

#include "digest/digest.hpp"

namespace podium::s3 {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string signing_key(const Settings& settings, std::string_view day) {
  std::string key = "AWS4" + settings.credentials.secret_key;
  for (const std::string_view step : {day, std::string_view(settings.region),
                                      std::string_view("s3"), std::string_view("aws4_request")}) {
    key = digest::hmac_sha256(key, step);
  }
  return key;
}

}  // namespace

std::string uri_encode(std::string_view text, bool keep_slash) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash);
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::string request_path(const Settings& settings, const Request& request) {
  std::string path = settings.virtual_host ? "" : "/" + settings.bucket;
  if (!request.object.empty() || path.empty()) path += "/" + uri_encode(request.object, true);
  return path;
}

std::string canonical_query(const Request& request) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const auto& [name, value] : request.query) {
    encoded.emplace_back(uri_encode(name), uri_encode(value));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

std::map<std::string, std::string> sign(const Settings& settings, const Request& request,
                                        const std::string& payload, const std::string& time) {
  std::map<std::string, std::string> headers{{"x-amz-content-sha256", payload},
                                             {"x-amz-date", time}};
  if (!settings.credentials.session_token.empty()) {
    headers["x-amz-security-token"] = settings.credentials.session_token;
  }
  std::string canonical_headers = "host:" + settings.host_header() + "\n", names = "host";
  for (const auto& [name, value] : headers) {
    canonical_headers.append(name).append(":").append(value).append("\n");
    names.append(";").append(name);
  }
  const std::string canonical = request.method + "\n" + request_path(settings, request) + "\n" +
                                canonical_query(request) + "\n" + canonical_headers + "\n" +
                                names + "\n" + payload;

  const std::string day = time.substr(0, 8);
  const std::string scope = day + "/" + settings.region + "/s3/aws4_request";
  const std::string to_sign =
      std::string(kAlgorithm) + "\n" + time + "\n" + scope + "\n" + digest::sha256_hex(canonical);
  const std::string signature =
      digest::to_hex(digest::hmac_sha256(signing_key(settings, day), to_sign));
  headers["authorization"] = std::string(kAlgorithm) +
                             " Credential=" + settings.credentials.access_key + "/" + scope +
                             ",SignedHeaders=" + names + ",Signature=" + signature;
  return headers;
}

}  // namespace podium::s3
