#pragma once
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace podium {

/// What kind of failure it is. One place maps it to an HTTP status (http/status.hpp), one maps
/// podium_code to it (plugin/abi_code.hpp).
enum class Code : std::uint8_t {
  kMalformed = 1,     ///< cannot be read: bad JSON, bad framing
  kInvalidArgument,   ///< read, understood, refused: empty code, unknown language
  kUnprocessable,     ///< a field is missing or of the wrong type
  kUnsupportedMedia,  ///< missing or foreign content type
  kUnauthenticated,
  kForbidden,
  kNotFound,
  kConflict,
  kTooLarge,
  kRateLimited,
  kResourceExhausted,  ///< this host is full now
  kUnavailable,        ///< a part is not there now
  kDeadlineExceeded,
  kCancelled,
  kUnsupported,  ///< this host cannot, and trying again will not help
  kInternal
};

/// One field of a request that was refused.
struct FieldError {
  std::string field, message, code;
};

/// A failure with a meaning a client or an operator can act on. Messages start in lower case, name
/// the thing and say what was expected; no secrets, no file contents.
class Failure : public std::exception {
 public:
  Failure(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  Code code() const noexcept { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }

  /// The same failure, told from further out: "reading config.json: expected ':'".
  Failure within(std::string_view context) const {
    Failure outer = *this;
    outer.message_ = std::string(context) + ": " + message_;
    return outer;
  }

  /// Fields to name in the answer's `details`.
  Failure&& with_field(FieldError field) && {
    fields_.push_back(std::move(field));
    return std::move(*this);
  }
  const std::vector<FieldError>& fields() const noexcept { return fields_; }

  /// When trying again makes sense; becomes Retry-After.
  Failure&& with_retry_after(std::chrono::seconds after) && {
    retry_after_ = after;
    return std::move(*this);
  }
  std::optional<std::chrono::seconds> retry_after() const noexcept { return retry_after_; }

 private:
  Code code_;
  std::string message_;
  std::vector<FieldError> fields_;
  std::optional<std::chrono::seconds> retry_after_;
};

}  // namespace podium
