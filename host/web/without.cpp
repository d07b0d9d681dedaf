#include "web/assets.hpp"

std::span<const podium::PageAsset> podium::page_assets() noexcept { return {}; }
