#pragma once
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace podium::local {

/// SHA-256 (FIPS 180-4) of a stream, by OpenSSL. One thread.
class Digest {
 public:
  Digest();

  void update(std::string_view bytes);
  /// 64 lower-case hexadecimal digits; the object is used up.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace podium::local
