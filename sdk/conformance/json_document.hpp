#pragma once
#include <string>
#include <string_view>

namespace podium::conform {

/// Why a text is not one JSON document (RFC 8259), with the offset; empty when it is one.
std::string why_not_json(std::string_view text);

/// The same of a text that must be one JSON object.
std::string why_not_json_object(std::string_view text);

/// Whether a text is UTF-8 without overlong forms and surrogates.
bool is_utf8(std::string_view text);

}  // namespace podium::conform
