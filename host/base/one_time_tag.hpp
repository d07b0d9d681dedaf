#pragma once
#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace podium {

/// A message authentication code of one content: AES-256-GMAC (NIST SP 800-38D) under a random key
/// that was made for that content and is used for no other. Who does not know the key cannot make
/// other bytes with the same tag: each try succeeds with a probability of at most
/// (blocks of 16 bytes + 1) / 2^128. It costs an eighth of SHA-256, but names nothing: two tags of
/// one content differ. One thread.
class OneTimeTag {
 public:
  /// For a content that is seen for the first time: with a new key.
  OneTimeTag();
  /// For bytes that are to be compared with a content: with the key in what text() gave for it.
  /// Throws Failure(kInternal) when that is no such text.
  explicit OneTimeTag(std::string_view recorded);
  ~OneTimeTag();
  OneTimeTag(OneTimeTag&&) noexcept;
  OneTimeTag& operator=(OneTimeTag&&) noexcept;

  void update(std::string_view bytes);
  /// Key and tag, 96 lower-case hexadecimal digits, to be kept where nobody reads it who can write
  /// the content. The object is used up.
  std::string text();
  /// Whether the bytes are those that gave this text, in a time that does not tell how nearly. The
  /// object is used up, and was made with the key of the text.
  bool matches(std::string_view recorded);

 private:
  static constexpr std::size_t kKeySize = 32, kTagSize = 16;  // bytes
  struct State;

  void begin();

  std::array<unsigned char, kKeySize> key_{};
  std::unique_ptr<State> state_;
};

}  // namespace podium
