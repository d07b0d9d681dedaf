#pragma once
#include <string_view>

namespace podium {

// Made from api/openapi.json when Podium is built (api/render).

/// The OpenAPI document, byte for byte.
std::string_view openapi_text() noexcept;
/// The same as an HTML page without scripts.
std::string_view api_page() noexcept;
/// SHA-256 of the page's style sheet, in base64: what its content security policy lets in.
std::string_view api_page_style_digest() noexcept;

}  // namespace podium
