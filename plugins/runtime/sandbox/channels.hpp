#pragma once
/// What the parts of Sandboxes share.

#include <sys/random.h>

#include <chrono>
#include <cstdint>

namespace podium::sandbox {

/// What a descriptor of the loop is; its tag is the id of a shell or zygote and this.
enum Channel : std::uint64_t { kControl, kOutput, kError, kInput, kZygote, kSpawner, kPrompt };
constexpr std::uint64_t tag_of(std::uint64_t id, Channel channel) { return id << 3 | channel; }

inline constexpr std::chrono::milliseconds kRetryAfterFailure{500};

inline std::uint64_t random_number() noexcept {
  std::uint64_t value = 0;
  while (::getrandom(&value, sizeof value, 0) != sizeof value) {
  }
  return value;
}

}  // namespace podium::sandbox
