#pragma once
#include <set>
#include <string>
#include <string_view>

namespace podium {

/// The name under which a file of a workspace is listed, from its path there (relative, any bytes
/// but NUL).
///
/// A path that is a canonical file name is listed as such (NFC). In any other, each byte that may
/// not be in a name (ill-formed UTF-8, control characters, backslash) and each '%' becomes %XX, so
/// that nothing is lost and no two paths become one name. What is then too long is cut to the
/// start of its last level, '~', twelve digits of the path's SHA-256, and its extension.
std::string listable_name(std::string_view path);

/// The same, unlike every name in `taken`, to which it is added: composed and decomposed
/// characters can make two paths one name.
std::string unique_listable_name(std::string_view path, std::set<std::string>& taken);

}  // namespace podium
