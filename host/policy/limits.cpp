#include "policy/limits.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace podium {

Limits merge_limits(const LanguageConfig& language, std::optional<milliseconds> requested_wall) {
  Limits limits = language.limits;
  if (requested_wall) limits.wall = std::clamp(*requested_wall, milliseconds(1), limits.wall);
  return limits;
}

bool allowed_environment_name(std::string_view name) noexcept {
  // What glibc itself ignores in privileged programs (ld.so(8), unsecvars.h): these steer the
  // loader, the allocator, the resolver and the loading of locale and conversion modules.
  constexpr std::array<std::string_view, 12> kLoaderNames{
      "GCONV_PATH",  "GETCONF_DIR", "GLIBC_TUNABLES",   "HOSTALIASES",
      "LOCALDOMAIN", "LOCPATH",     "MALLOC_CHECK_",    "MALLOC_TRACE",
      "NIS_PATH",    "NLSPATH",     "RESOLV_HOST_CONF", "RES_OPTIONS"};
  const auto letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  const auto legal = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  if (name.empty() || !letter(name.front())) return false;
  if (!std::all_of(name.begin(), name.end(), legal)) return false;
  if (name.substr(0, 3) == "LD_") return false;
  return std::find(kLoaderNames.begin(), kLoaderNames.end(), name) == kLoaderNames.end();
}

}  // namespace podium
