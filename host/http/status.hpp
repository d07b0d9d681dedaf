#pragma once
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "base/failure.hpp"

namespace podium {

/// The HTTP status of a failure: the one place that maps them. No default, so that a new code is a
/// compiler warning.
constexpr int http_status(Code code) noexcept {
  switch (code) {
    case Code::kMalformed:
    case Code::kUnsupported:  // as an unknown language: the request cannot be served here
    case Code::kInvalidArgument:
      return 400;
    case Code::kUnprocessable:
      return 422;
    case Code::kUnsupportedMedia:
      return 415;
    case Code::kUnauthenticated:
      return 401;
    case Code::kForbidden:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kConflict:
      return 409;
    case Code::kTooLarge:
      return 413;
    case Code::kRateLimited:
      return 429;
    case Code::kResourceExhausted:
    case Code::kUnavailable:
    case Code::kCancelled:
      return 503;
    case Code::kDeadlineExceeded:
      return 504;
    case Code::kInternal:
      return 500;
  }
  return 500;
}

/// The reason phrase of a status that Podium sends (RFC 9110, 15).
std::string_view reason_phrase(int status) noexcept;

/// `error_type` of an error answer with that status (http-api.md, "Errors").
std::string_view error_type(int status) noexcept;

/// A refusal that only HTTP knows: bad framing, a wrong method, a range that cannot be had. What
/// has a meaning beyond HTTP is a Failure.
class Refusal : public std::exception {
 public:
  Refusal(int status, std::string message) : status_(status), message_(std::move(message)) {}

  int status() const noexcept { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  int status_;
  std::string message_;
};

/// Thrown where a read or write finds that the peer is not there any more: nobody is left to
/// answer.
struct ClientGone {};

}  // namespace podium
