#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podium::s3 {

/// What a store says when it refuses.
struct ErrorDocument {
  std::string code;     ///< "NoSuchKey"; empty: the body was no such document
  std::string message;  ///< of the store
  std::string region;   ///< the one that it expects, when that is the matter
};

/// One object of a list.
struct ListedObject {
  std::string name;
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;  ///< since the epoch
};

/// One page of a list.
struct Listing {
  std::vector<ListedObject> objects;
  std::string next;  ///< continuation token; empty: the last page
};

/// A multipart upload that somebody began.
struct PendingUpload {
  std::string object, id;
  std::int64_t begun_ms = 0;
};

/// One page of them.
struct PendingUploads {
  std::vector<PendingUpload> uploads;
  std::string next_object, next_id;  ///< where the next page begins; empty: the last one
};

/// Never throws: what is no such document gives an empty one.
ErrorDocument parse_error(std::string_view xml) noexcept;

/// Each throws Error(PODIUM_UNAVAILABLE) when the store's answer is no such document.
Listing parse_listing(std::string_view xml);
std::string parse_upload_id(std::string_view xml);
PendingUploads parse_pending_uploads(std::string_view xml);

/// Whether the store says that it has put an upload's parts together. Never throws.
bool is_completed(std::string_view xml) noexcept;

/// The body that completes a multipart upload of parts with these tags, in order.
std::string complete_document(const std::vector<std::string>& etags);

/// "2026-11-22T03:49:46.123Z" as milliseconds since the epoch.
std::optional<std::int64_t> parse_iso_time(const std::string& text);

}  // namespace podium::s3
