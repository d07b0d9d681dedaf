#include "http/answer.hpp"

#include <algorithm>
#include <cstdio>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace podium {
namespace {

Json error_body(int status, const std::string& message, const std::vector<FieldError>& fields,
                std::string_view request_id) {
  Json details;
  for (const FieldError& field : fields) {
    details.push(
        Json::object({{"field", field.field}, {"message", field.message}, {"code", field.code}}));
  }
  Json body = Json::object();
  body.set("error", message);
  body.set("error_type", error_type(status));
  body.set("details", std::move(details));
  body.set("request_id", request_id);
  body.set("timestamp", epoch_ms_now() / 1000);
  return body;
}

void add_line(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
  }
  return "Unknown";
}

std::string_view error_type(int status) noexcept {
  switch (status) {
    case 401:
      return "authentication";
    case 403:
      return "authorization";
    case 404:
      return "resource_not_found";
    case 409:
      return "resource_conflict";
    case 408:
    case 504:
      return "timeout";
    case 429:
      return "rate_limited";
    case 503:
      return "service_unavailable";
  }
  return status >= 500 ? "internal_server" : "validation";
}

Answer json_answer(int status, const Json& value) {
  Answer answer;
  answer.status = status;
  answer.media_type = "application/json";
  answer.body = json_dump(value);
  return answer;
}

std::string public_message(const Failure& failure, std::string_view request_id) {
  if (failure.code() != Code::kInternal) return failure.what();
  return "internal error; the log has it under request " + std::string(request_id);
}

Answer error_answer(const Failure& failure, std::string_view request_id) {
  const int status = http_status(failure.code());
  Json body = error_body(status, public_message(failure, request_id), failure.fields(), request_id);
  if (failure.code() == Code::kResourceExhausted) body.set("error_type", "resource_exhausted");
  std::string seconds;
  if (failure.retry_after()) {
    seconds = std::to_string(std::max<std::int64_t>(1, failure.retry_after()->count()));
  }
  if (status == 429) {
    if (seconds.empty()) seconds = "1";
    body.set("retry_after_seconds", static_cast<long>(std::stol(seconds)));
  }
  Answer answer = json_answer(status, body);
  if (!seconds.empty()) answer.headers.add("Retry-After", seconds);
  if (status == 401) answer.headers.add("WWW-Authenticate", "Bearer realm=\"podium\"");
  return answer;
}

Answer error_answer(const Refusal& refusal, std::string_view request_id) {
  return json_answer(refusal.status(),
                     error_body(refusal.status(), refusal.what(), {}, request_id));
}

std::string serialize_head(const Answer& answer, const HeadFacts& facts) {
  std::string head;
  head.reserve(768);
  head.append("HTTP/1.1 ").append(std::to_string(answer.status)).append(" ");
  head.append(reason_phrase(answer.status)).append("\r\n");
  add_line(head, "Date", http_date(epoch_ms_now()));
  if (!answer.media_type.empty()) add_line(head, "Content-Type", answer.media_type);
  if (facts.framing == Framing::kChunked) add_line(head, "Transfer-Encoding", "chunked");
  if (facts.framing == Framing::kLength && facts.length) {
    add_line(head, "Content-Length", std::to_string(*facts.length));
  }
  // Never a Keep-Alive header: Node lowers the timer of the parked socket to it, and the next long
  // request dies of that.
  if (!facts.keep_alive) add_line(head, "Connection", "close");
  add_line(head, "X-Request-ID", facts.request_id);
  head.append(
      "X-Content-Type-Options: nosniff\r\n"
      "X-Frame-Options: DENY\r\n"
      "Referrer-Policy: strict-origin-when-cross-origin\r\n"
      "Permissions-Policy: geolocation=(), microphone=(), camera=()\r\n");
  if (answer.headers.find("Content-Security-Policy") == nullptr) {
    add_line(head, "Content-Security-Policy", "default-src 'self'");
  }
  if (answer.headers.find("Cache-Control") == nullptr) add_line(head, "Cache-Control", "no-store");
  for (const HeaderField& field : answer.headers) add_line(head, field.name, field.value);
  head.append("\r\n");
  return head;
}

std::string as_chunk(std::string_view data) {
  if (data.empty()) return {};
  char size[24];
  const int length = std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  std::string chunk(size, static_cast<std::size_t>(length));
  chunk.append(data).append("\r\n");
  return chunk;
}

std::string choose_request_id(const std::string* from_client) {
  if (from_client == nullptr || from_client->empty() || from_client->size() > 64) return new_id();
  const bool plain = std::all_of(from_client->begin(), from_client->end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
  });
  return plain ? *from_client : new_id();
}

}  // namespace podium
