#include "exec/listable_name.hpp"

#include <optional>

#include "base/failure.hpp"
#include "base/file_name.hpp"
#include "base/sha256.hpp"
#include "base/utf8.hpp"

namespace podium {
namespace {

std::optional<std::string> canonical(std::string_view name) {
  if (!is_utf8(name)) return std::nullopt;  // the common reason, without the price of a throw
  try {
    return canonical_file_name(name);
  } catch (const Failure&) {
    return std::nullopt;
  }
}

/// The size of the character at the start of `text` when it may be in a name; else 0.
std::size_t legal_character(std::string_view text) {
  for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size) {
    if (!is_utf8(text.substr(0, size))) continue;
    const std::string between = "a" + std::string(text.substr(0, size)) + "a";
    return text.front() != '%' && canonical(between) ? size : 0;
  }
  return 0;
}

std::string escaped(std::string_view path) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  while (!path.empty()) {
    const std::size_t size = legal_character(path);
    if (size > 0) {
      text.append(path.substr(0, size));
      path.remove_prefix(size);
      continue;
    }
    const auto byte = static_cast<unsigned char>(path.front());
    text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    path.remove_prefix(1);
  }
  return text;
}

/// `text` (escaped) as one short level that also tells `path` apart from every other.
std::string shortened(std::string_view text, std::string_view path) {
  constexpr std::size_t kKeep = 120, kMaxExtension = 16;
  const std::string_view last = text.substr(text.rfind('/') + 1);
  const std::size_t dot = last.rfind('.');
  const bool has_extension = dot != last.npos && dot > 0 && last.size() - dot <= kMaxExtension;
  const std::string_view extension = has_extension ? last.substr(dot) : std::string_view();
  const std::string_view stem = last.substr(0, last.size() - extension.size());
  return std::string(stem.substr(0, utf8_floor(stem, kKeep))) + "~" +
         sha256_hex(path).substr(0, 12) + std::string(extension);
}

}  // namespace

std::string listable_name(std::string_view path) {
  if (auto name = canonical(path)) return std::move(*name);
  const std::string text = escaped(path);
  if (auto name = canonical(text)) return std::move(*name);
  return canonical_file_name(shortened(text, path));
}

std::string unique_listable_name(std::string_view path, std::set<std::string>& taken) {
  std::string name = listable_name(path);
  if (taken.insert(name).second) return name;
  name = canonical_file_name(shortened(escaped(path), path));
  taken.insert(name);
  return name;
}

}  // namespace podium
