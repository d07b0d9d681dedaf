#include "error.hpp"

#include <system_error>

namespace podium::local {

Error system_error(const std::string& doing, const std::string& path, int error) {
  const bool full =
      error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE || error == ENOMEM;
  return {full ? PODIUM_RESOURCE_EXHAUSTED : PODIUM_UNAVAILABLE,
          doing + " " + path + ": " + std::generic_category().message(error)};
}

}  // namespace podium::local
