#include "base/file_name.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/failure.hpp"
#include "base/utf8.hpp"

namespace podium {
namespace {

constexpr std::size_t kMaxCharacters = 256;
constexpr std::size_t kMaxLevelBytes = 255;  // NAME_MAX
constexpr std::size_t kMaxLevels = 10;
constexpr std::string_view kMount = "/mnt/data/";

[[noreturn]] void refuse(const std::string& why) {
  throw Failure(Code::kInvalidArgument, "file name: " + why);
}

bool has_control_character(std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    // U+0080 to U+009F are controls too; in UTF-8 they are C2 80 to C2 9F.
    if (byte == 0xC2 && static_cast<unsigned char>(name[i + 1]) < 0xA0) return true;
  }
  return false;
}

void check_level(std::string_view level) {
  if (level.empty()) refuse("has an empty level: expected text between slashes");
  if (level == "." || level == "..") {
    refuse("has the level \"" + std::string(level) + "\": expected a path without . and ..");
  }
  if (level.size() > kMaxLevelBytes) {
    refuse("a level has " + std::to_string(level.size()) + " bytes: expected at most " +
           std::to_string(kMaxLevelBytes));
  }
}

// Sorted by extension.
constexpr std::array<std::pair<std::string_view, std::string_view>, 64> kMediaTypes{{
    {"avi", "video/x-msvideo"},
    {"bash", "text/x-shellscript"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"c", "text/x-c"},
    {"cc", "text/x-c++"},
    {"cpp", "text/x-c++"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"eps", "application/postscript"},
    {"gif", "image/gif"},
    {"go", "text/x-go"},
    {"gz", "application/gzip"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar"},
    {"ipynb", "application/x-ipynb+json"},
    {"java", "text/x-java"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"log", "text/plain"},
    {"md", "text/markdown"},
    {"mjs", "text/javascript"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"ogg", "audio/ogg"},
    {"parquet", "application/vnd.apache.parquet"},
    {"pdf", "application/pdf"},
    {"php", "application/x-httpd-php"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"py", "text/x-python"},
    {"r", "text/x-r"},
    {"rs", "text/x-rust"},
    {"rtf", "application/rtf"},
    {"sh", "text/x-shellscript"},
    {"sql", "application/sql"},
    {"sqlite", "application/vnd.sqlite3"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"ts", "text/x-typescript"},
    {"tsv", "text/tab-separated-values"},
    {"txt", "text/plain"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
}};

}  // namespace

std::string canonical_file_name(std::string_view name) {
  if (!is_utf8(name)) refuse("is not well-formed UTF-8");
  // Bounded before it is composed, which costs memory.
  if (name.size() > 8 * kMaxCharacters) refuse("is too long: expected at most 256 characters");
  if (name.substr(0, kMount.size()) == kMount) name.remove_prefix(kMount.size());
  if (name.empty()) refuse("is empty");
  if (name.front() == '/') refuse("is absolute: expected a relative path or one below /mnt/data/");
  if (name.find('\\') != name.npos) refuse("has a backslash: expected '/' between levels");
  if (has_control_character(name)) refuse("has a control character");

  std::string canonical = to_nfc(name);
  const auto characters = std::count_if(canonical.begin(), canonical.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
  if (static_cast<std::size_t>(characters) > kMaxCharacters) {
    refuse("has " + std::to_string(characters) + " characters: expected at most " +
           std::to_string(kMaxCharacters));
  }
  std::size_t levels = 0;
  for (std::string_view rest = canonical;; ++levels) {
    const std::size_t slash = rest.find('/');
    check_level(rest.substr(0, slash));
    if (slash == rest.npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (levels + 1 > kMaxLevels) {
    refuse("has " + std::to_string(levels + 1) + " levels: expected at most " +
           std::to_string(kMaxLevels));
  }
  return canonical;
}

std::string_view media_type_of(std::string_view name) noexcept {
  constexpr std::string_view kUnknown = "application/octet-stream";
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return kUnknown;
  const std::string_view extension = name.substr(dot + 1);
  const auto equal = [&](std::string_view known) {
    return std::equal(known.begin(), known.end(), extension.begin(), extension.end(),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
  };
  const auto found = std::find_if(kMediaTypes.begin(), kMediaTypes.end(),
                                  [&](const auto& entry) { return equal(entry.first); });
  return found == kMediaTypes.end() ? kUnknown : found->second;
}

}  // namespace podium
