#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/one_time_tag.hpp"
#include "exec/digest_beside.hpp"
#include "session/store.hpp"

namespace podium {

/// What is known of a content of a storage by its record.
struct StoredContent {
  std::string sha256;  ///< its name: 64 lower-case hexadecimal digits
  Bytes size = 0;
  std::string tag = {};  ///< OneTimeTag::text() of it; empty: it has none
};

StoredContent stored_content(const FileRecord& file);

/// Tells whether bytes that come piece by piece are the content that a record names: by its size
/// and tag, or by its SHA-256 when it has no tag. One thread at a time.
class ContentCheck {
 public:
  /// `content` must stay. Throws Failure(kInternal) when its tag is none.
  explicit ContentCheck(const StoredContent& content) : content_(content) {
    if (!content.tag.empty()) tag_.emplace(content.tag);
  }

  /// The next bytes.
  void update(std::string_view bytes);
  /// The same, and what else is to be done with them, unless they are more than it may have. A tag
  /// comes first, and costs so little that a thread for it would cost more; a digest is made by a
  /// thread of its own at the same time. Throws what `meanwhile` threw, or Failure(kInternal).
  void update(std::string_view bytes, const std::function<void()>& meanwhile);

  /// Whether it was all of it and nothing else; once.
  bool sound();
  /// The same as Failure(kUnavailable).
  void require();

 private:
  bool fits(std::string_view bytes) noexcept;

  const StoredContent& content_;
  Bytes size_ = 0;
  std::optional<OneTimeTag> tag_;
  DigestBeside digest_;  // when there is no tag
};

}  // namespace podium
