#pragma once
/// The payload of a run: see RunHeader. Written by the runtime, read inside the sandbox.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace podium::sandbox {

/// Appends strings and lists.
class PayloadWriter {
 public:
  void string(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  template <class List>
  void list(const List& items) {
    number(static_cast<std::uint32_t>(std::size(items)));
    for (const auto& item : items) string(item);
  }
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  void number(std::uint32_t value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  std::string bytes_;
};

/// Reads what PayloadWriter wrote. A cut or overlong payload makes ok() false; nothing is read
/// outside of it. Lists are NUL-terminated arrays of C strings, as execve wants them, from malloc.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view bytes) noexcept : rest_(bytes) {}

  bool ok() const noexcept { return ok_; }

  std::string_view string() noexcept {
    const std::uint32_t size = number();
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }

  char** list() noexcept {
    const std::uint32_t count = number();
    if (!ok_ || count > rest_.size() / sizeof(std::uint32_t)) {
      ok_ = false;
      return nullptr;
    }
    auto** items = static_cast<char**>(std::calloc(count + 1u, sizeof(char*)));
    for (std::uint32_t i = 0; items != nullptr && i < count && ok_; ++i) {
      const std::string_view text = string();
      items[i] = ::strndup(text.data() == nullptr ? "" : text.data(), text.size());
    }
    return items;
  }

 private:
  std::uint32_t number() noexcept {
    std::uint32_t value = 0;
    if (rest_.size() < sizeof value) {
      ok_ = false;
      return 0;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace podium::sandbox
