#pragma once
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace podium {

using Sha256Digest = std::array<unsigned char, 32>;

/// SHA-256 (FIPS 180-4) of a stream, by OpenSSL. One thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);
  /// The object is used up.
  Sha256Digest digest();
  /// The same as 64 lower-case hexadecimal digits.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The digest of one piece.
Sha256Digest sha256(std::string_view bytes);
/// The same as hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

/// Two lower-case hexadecimal digits for each byte.
std::string to_hex(std::span<const unsigned char> bytes);

}  // namespace podium
