#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace podium {

/// SHA-256 (FIPS 180-4) of a stream, by OpenSSL. One thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);
  /// 64 lower-case hexadecimal digits; the object is used up.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The digest of one piece, as hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace podium
