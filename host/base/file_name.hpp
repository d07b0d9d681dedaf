#pragma once
#include <string>
#include <string_view>

namespace podium {

/// The canonical form of a file name a client gave: NFC, relative, '/' between at most 10 levels,
/// at most 256 characters and 255 bytes a level. A leading "/mnt/data/" is taken off. Throws
/// Failure(kInvalidArgument) for "..", ".", an empty level, a backslash, NUL, a control character
/// or ill-formed UTF-8.
std::string canonical_file_name(std::string_view name);

/// The media type by the name's extension, "application/octet-stream" when unknown.
std::string_view media_type_of(std::string_view name) noexcept;

}  // namespace podium
