#pragma once
#include <podium/sdk/values.hpp>

#include <string>

#include "connection.hpp"
#include "documents.hpp"

namespace podium::s3 {

/// What the store said no to, in words for an operator.
class Refusal : public sdk::Error {
 public:
  Refusal(podium_code code, std::string message, int status, std::string name, bool transient)
      : Error(code, std::move(message)),
        status_(status),
        name_(std::move(name)),
        transient_(transient) {}

  int status() const noexcept { return status_; }
  /// The store's own name for it, "NoSuchBucket"; empty when it gave none.
  const std::string& name() const noexcept { return name_; }
  /// Whether the same request may succeed in a moment.
  bool transient() const noexcept { return transient_; }

 private:
  int status_;
  std::string name_;
  bool transient_;
};

/// The refusal that an answer stands for; `doing` as in "storing 'abc'", `now_ms` of this
/// machine's clock.
Refusal make_refusal(const Settings& settings, const std::string& doing, const Head& head,
                     const ErrorDocument& document, std::int64_t now_ms);

}  // namespace podium::s3
