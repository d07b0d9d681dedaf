#pragma once
/// Bytes, errors and descriptors: what every other header of the SDK stands on.

#include <podium/abi.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace podium::sdk {

/// The bytes as a view; empty, never null-with-a-length, when there are none.
constexpr std::string_view view(podium_bytes b) noexcept {
  return b.size == 0 ? std::string_view{} : std::string_view{b.data, b.size};
}

/// The view as bytes, borrowed.
constexpr podium_bytes bytes(std::string_view s) noexcept { return {s.data(), s.size()}; }

/// Thrown by plugin code; becomes its podium_code at the boundary. Messages start in lower case,
/// name the thing and say what was expected.
class Error : public std::exception {
 public:
  Error(podium_code code, std::string message) : code_(code), message_(std::move(message)) {}
  podium_code code() const noexcept { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  podium_code code_;
  std::string message_;
};

/// Owns one file descriptor; -1 is none.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  /// A close-on-exec duplicate of a borrowed descriptor; none stays none. Throws Error.
  static Descriptor duplicate(int borrowed) {
    if (borrowed < 0) return {};
    int fd = ::fcntl(borrowed, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
      throw Error(PODIUM_RESOURCE_EXHAUSTED,
                  "duplicating a descriptor: " + std::generic_category().message(errno));
    }
    return Descriptor(fd);
  }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

namespace detail {

/// Writes a message into the caller's storage, cut between UTF-8 characters where it is too long.
inline void fill(podium_error* err, std::string_view message) noexcept {
  if (err == nullptr || err->size <= offsetof(podium_error, message)) return;
  std::size_t room =
      std::min<std::size_t>(sizeof err->message, err->size - offsetof(podium_error, message));
  std::size_t n = std::min(message.size(), room - 1);
  if (n < message.size()) {
    while (n > 0 && (static_cast<unsigned char>(message[n]) & 0xC0u) == 0x80u) --n;
  }
  if (n > 0) std::memcpy(err->message, message.data(), n);
  err->message[n] = '\0';
}

/// Runs `body` so that nothing it throws leaves: what becomes code and message of it.
template <class F>
podium_code guard(podium_error* err, F&& body) noexcept {
  try {
    std::forward<F>(body)();
    return PODIUM_OK;
  } catch (const Error& e) {
    fill(err, e.what());
    return e.code() == PODIUM_OK ? PODIUM_INTERNAL : e.code();
  } catch (const std::bad_alloc&) {
    fill(err, "out of memory");
    return PODIUM_RESOURCE_EXHAUSTED;
  } catch (const std::exception& e) {
    fill(err, e.what());
    return PODIUM_INTERNAL;
  } catch (...) {
    fill(err, "an exception of unknown type");
    return PODIUM_INTERNAL;
  }
}

/// Element `i` of an array of ABI structs: the first one's size is the stride, so that arrays of a
/// longer, later struct are read rightly.
template <class T>
const T& element(const T* array, std::size_t i) noexcept {
  const char* base = reinterpret_cast<const char*>(array);
  return *reinterpret_cast<const T*>(base + i * array->size);
}

inline std::vector<std::string_view> views(const podium_bytes* array, std::size_t count) {
  std::vector<std::string_view> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) out.push_back(view(array[i]));
  return out;
}

/// A JSON string literal with its quotes; bytes above 0x7F pass as they are.
inline std::string json_quote(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20) {
      out += "\\u00";
      out += kHex[u >> 4];
      out += kHex[u & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

}  // namespace detail
}  // namespace podium::sdk
