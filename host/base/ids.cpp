#include "base/ids.hpp"

#include <openssl/crypto.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/failure.hpp"

namespace podium {
namespace {

// The alphanumeric characters come first, so that a smaller index gives one of them.
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kAlphanumerics = 62;
constexpr std::size_t kIdLength = 21;

/// Random bytes of the kernel, fetched a block at a time. What was given out is not kept.
template <std::size_t Size>
class Randomness {
 public:
  /// A uniform number below `bound` <= 64; values above are thrown away, not folded.
  std::size_t below(std::size_t bound) {
    for (;;) {
      if (next_ == block_.size()) fill();
      const std::size_t value = std::exchange(block_[next_++], 0) & 63u;
      if (value < bound) return value;
    }
  }

 private:
  void fill() {
    std::size_t filled = 0;
    while (filled < block_.size()) {
      const ssize_t got = ::getrandom(block_.data() + filled, block_.size() - filled, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        throw Failure(Code::kInternal, std::string("getrandom: ") + std::strerror(errno));
      }
      filled += static_cast<std::size_t>(got);
    }
    next_ = 0;
  }

  std::array<unsigned char, Size> block_;
  std::size_t next_ = block_.size();
};

}  // namespace

std::string new_id() {
  // For some twenty of them: a request has three, and each call of the kernel is on its way.
  thread_local Randomness<480> random;
  std::string id(kIdLength, '\0');
  for (char& c : id) c = kAlphabet[random.below(kAlphabet.size())];
  id.front() = kAlphabet[random.below(kAlphanumerics)];
  id.back() = kAlphabet[random.below(kAlphanumerics)];
  return id;
}

bool is_id(std::string_view text) noexcept {
  const auto known = [](char c, std::string_view set) { return set.find(c) != set.npos; };
  if (text.size() != kIdLength) return false;
  const std::string_view ends = kAlphabet.substr(0, kAlphanumerics);
  return known(text.front(), ends) && known(text.back(), ends) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return known(c, kAlphabet); });
}

std::string new_api_key() {
  Randomness<48> random;
  std::string key = "sk-";
  for (int i = 0; i < 32; ++i) key += kAlphabet[random.below(kAlphabet.size())];
  return key;
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace podium
