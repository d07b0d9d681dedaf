#pragma once
#include <span>
#include <string_view>

namespace podium {

/// One file of the web page, as the build made it.
struct PageAsset {
  std::string_view path;  ///< "index.html", "assets/main-3F2A.js"
  std::string_view media_type;
  std::string_view digest;  ///< of the contents, 16 hexadecimal digits
  std::string_view plain;
  std::string_view gzip;  ///< the same compressed; empty where that saves nothing
  bool hashed;            ///< its name changes with its contents
};

/// Every file of the page; none when podiumd was built with PODIUM_WEB=OFF.
std::span<const PageAsset> page_assets() noexcept;

}  // namespace podium
