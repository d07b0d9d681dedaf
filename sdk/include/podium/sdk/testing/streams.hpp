#pragma once
#include <podium/sdk/storage.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace podium::sdk::testing {

/// A podium_buffer that grows a string.
class BufferSink {
 public:
  BufferSink() = default;
  BufferSink(const BufferSink&) = delete;
  BufferSink& operator=(const BufferSink&) = delete;

  const podium_buffer* raw() const noexcept { return &buffer_; }
  const std::string& text() const noexcept { return text_; }
  void clear() noexcept { text_.clear(); }
  /// From now on the host is out of memory.
  void fail() noexcept { failing_ = true; }

 private:
  static bool append(void* ctx, podium_bytes chunk) noexcept {
    auto* self = static_cast<BufferSink*>(ctx);
    if (self->failing_) return false;
    self->text_ += view(chunk);
    return true;
  }

  std::string text_;
  bool failing_ = false;
  podium_buffer buffer_{sizeof(podium_buffer), this, &append};
};

/// A podium_source that gives a text in pieces, and may fail before its end.
class TextSource {
 public:
  explicit TextSource(std::string text, std::size_t piece = 4096)
      : text_(std::move(text)), piece_(piece), fail_at_(std::numeric_limits<std::size_t>::max()) {
    source_.expected = static_cast<std::int64_t>(text_.size());
  }
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;

  /// The sender does not say how much it sends.
  void hide_length() noexcept { source_.expected = -1; }
  /// The sender leaves after so many bytes.
  void fail_after(std::size_t bytes_given) noexcept { fail_at_ = bytes_given; }
  const podium_source* raw() const noexcept { return &source_; }

 private:
  static std::int64_t read(void* ctx, char* buffer, std::size_t capacity) noexcept {
    auto* self = static_cast<TextSource*>(ctx);
    if (self->given_ >= self->fail_at_) return -1;
    const std::size_t n = std::min(
        {capacity, self->piece_, self->text_.size() - self->given_, self->fail_at_ - self->given_});
    self->text_.copy(buffer, n, self->given_);
    self->given_ += n;
    return static_cast<std::int64_t>(n);
  }

  std::string text_;
  std::size_t piece_;
  std::size_t fail_at_;
  std::size_t given_ = 0;
  podium_source source_{sizeof(podium_source), this, -1, &read, nullptr};
};

/// A podium_sink that keeps what it gets, and may leave early.
class RecordingSink {
 public:
  RecordingSink() = default;
  RecordingSink(const RecordingSink&) = delete;
  RecordingSink& operator=(const RecordingSink&) = delete;

  /// The reader leaves after so many bytes.
  void leave_after(std::size_t bytes_taken) noexcept { leave_at_ = bytes_taken; }
  const podium_sink* raw() const noexcept { return &sink_; }
  const std::string& text() const noexcept { return text_; }

 private:
  static bool write(void* ctx, podium_bytes chunk) noexcept {
    auto* self = static_cast<RecordingSink*>(ctx);
    if (self->text_.size() >= self->leave_at_) return false;
    self->text_ += view(chunk);
    return true;
  }

  std::string text_;
  std::size_t leave_at_ = std::numeric_limits<std::size_t>::max();
  podium_sink sink_{sizeof(podium_sink), this, &write};
};

}  // namespace podium::sdk::testing
