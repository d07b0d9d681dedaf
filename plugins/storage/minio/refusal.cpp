#include "refusal.hpp"

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

namespace podium::s3 {

namespace {

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// How far this machine's clock is ahead of the store's, in seconds.
std::optional<std::int64_t> skew(const Head& head, std::int64_t now_ms) {
  Poco::DateTime time;
  int zone = 0;
  if (!Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::HTTP_FORMAT, head.header("date"), time,
                                      zone)) {
    return std::nullopt;
  }
  return (now_ms - time.timestamp().epochMicroseconds() / 1000) / 1000;
}

std::string clock_words(const Head& head, std::int64_t now_ms) {
  std::string words = "the clocks of this machine and of the store differ too much";
  if (const auto seconds = skew(head, now_ms)) {
    words += ": this one is " + std::to_string(std::llabs(*seconds)) + " s " +
             (*seconds < 0 ? "behind" : "ahead");
  }
  return words + "; set both by NTP";
}

/// What the operator can do about it; empty for what has no special cure.
std::string cure(const Settings& settings, const std::string& name, const Head& head,
                 const ErrorDocument& document, std::int64_t now_ms) {
  const std::string& key = settings.credentials.access_key;
  if (name == "RequestTimeTooSkewed") return clock_words(head, now_ms);
  if (name == "InvalidAccessKeyId") {
    return "the store does not know the access key " + key + "; check access_key";
  }
  if (name == "SignatureDoesNotMatch") {
    return "the secret key is not the one of the access key " + key + "; check secret_key";
  }
  if (name == "NoSuchBucket") {
    return "there is no bucket " + settings.bucket + "; make it, or set create_bucket";
  }
  if (name == "AccessDenied" || name == "AllAccessDisabled") {
    return "the access key " + key + " may not do this in the bucket " + settings.bucket +
           "; give it a policy that allows it";
  }
  if (is_one_of(name, {"ExpiredToken", "InvalidToken", "InvalidTokenId"})) {
    return "the session token is not valid any more; renew session_token and reload";
  }
  if (is_one_of(name, {"AuthorizationHeaderMalformed", "InvalidRegion", "PermanentRedirect",
                       "IllegalLocationConstraintException"})) {
    return "the store is of another region than " + settings.region +
           (document.region.empty() ? "" : ", it says " + document.region) + "; check region";
  }
  if (is_one_of(name, {"XMinioStorageFull", "InsufficientStorage", "XMinioBackendDown",
                       "QuotaExceeded", "XMinioAdminBucketQuotaExceeded"}) ||
      head.status == 507 || document.message.find("no space left on device") != std::string::npos) {
    return "the store has no room left";
  }
  return {};
}

}  // namespace

Refusal make_refusal(const Settings& settings, const std::string& doing, const Head& head,
                     const ErrorDocument& document, std::int64_t now_ms) {
  // Answers to HEAD have no body; MinIO names the error in a header.
  const std::string name =
      document.code.empty() ? head.header("x-minio-error-code") : document.code;
  const std::string help = cure(settings, name, head, document, now_ms);
  std::string message = doing + " at " + settings.endpoint() + ": ";
  if (!help.empty()) message += help + " (";
  message += std::to_string(head.status);
  if (!name.empty()) message += " " + name;
  if (!document.message.empty()) message += ": " + document.message;
  if (!help.empty()) message += ")";

  const bool full = help == "the store has no room left";
  const bool transient = !full && (head.status >= 500 || head.status == 429 || head.status == 408 ||
                                   is_one_of(name, {"SlowDown", "RequestTimeout"}));
  podium_code code = PODIUM_UNAVAILABLE;
  if (full) code = PODIUM_RESOURCE_EXHAUSTED;
  // A HEAD of an object in no bucket is the same bare 404.
  if (head.status == 404 && name != "NoSuchBucket") code = PODIUM_NOT_FOUND;
  return {code, std::move(message), head.status, name, transient};
}

}  // namespace podium::s3
