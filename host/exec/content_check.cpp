#include "exec/content_check.hpp"

#include "base/failure.hpp"

namespace podium {

StoredContent stored_content(const FileRecord& file) { return {file.sha256, file.size, file.tag}; }

/// Counts the next bytes. What is more than it may have needs no look.
bool ContentCheck::fits(std::string_view bytes) noexcept {
  size_ += bytes.size();
  return size_ <= content_.size;
}

void ContentCheck::update(std::string_view bytes) {
  if (!fits(bytes)) return;
  if (tag_) {
    tag_->update(bytes);
  } else {
    digest_.update(bytes);
  }
}

void ContentCheck::update(std::string_view bytes, const std::function<void()>& meanwhile) {
  if (!fits(bytes)) return;
  if (tag_) {
    tag_->update(bytes);
    meanwhile();
  } else {
    digest_.update(bytes, meanwhile);
  }
}

bool ContentCheck::sound() {
  if (size_ != content_.size) return false;
  return tag_ ? tag_->matches(content_.tag) : digest_.hex() == content_.sha256;
}

void ContentCheck::require() {
  if (sound()) return;
  throw Failure(Code::kUnavailable,
                "the storage gave another content than it was given: " + std::to_string(size_) +
                    " bytes, expected " + std::to_string(content_.size) + " with SHA-256 " +
                    content_.sha256);
}

}  // namespace podium
