#include "plugin/library_checks.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "base/failure.hpp"
#include "base/utf8.hpp"
#include "plugin/abi_sizes.hpp"

namespace podium {
namespace {

Failure wrong(const std::string& what) { return {Code::kInvalidArgument, what}; }

void check_writers(const std::filesystem::path& path, const struct stat& status) {
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    throw wrong(path.string() + " belongs to uid " + std::to_string(status.st_uid) +
                ", expected root or the daemon's user: whoever owns it would own the daemon; "
                "chown it");
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777u));
    throw wrong(path.string() + " is writable by its group or by others (mode " + mode +
                "): whoever may write it would own the daemon; run chmod go-w on it");
  }
}

struct stat status_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    throw wrong(path.string() + ": " + std::generic_category().message(errno));
  }
  return status;
}

/// A string of a plugin that people will read.
void check_text(const char* text, const char* what, std::size_t longest) {
  if (text == nullptr) throw wrong(std::string("its ") + what + " is NULL, expected a text");
  std::size_t size = ::strnlen(text, longest + 1);
  std::string_view view(text, size);
  bool printable = is_utf8(view);
  for (char c : view) printable = printable && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  if (size == 0 || size > longest || !printable) {
    throw wrong(std::string("its ") + what + " is no text of 1 to " + std::to_string(longest) +
                " bytes of printable UTF-8");
  }
}

void check_size(std::uint32_t size, std::uint32_t least, const std::string& what) {
  if (size < least) {
    throw wrong(what + " says that it has " + std::to_string(size) + " bytes, expected at least " +
                std::to_string(least) + ": it is no plugin of this ABI or its size is not set");
  }
}

bool is_snake_case(std::string_view name) {
  if (name.empty() || name.size() > 64 || name[0] < 'a' || name[0] > 'z') return false;
  for (char c : name) {
    bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!good) return false;
  }
  return true;
}

void check_option(const podium_option& option, std::set<std::string_view>& names) {
  check_size(option.size, kOptionSize10, "a row of its option table");
  check_text(option.name, "option's name", 64);
  std::string where = "its option '" + std::string(option.name) + "'";
  if (!is_snake_case(option.name)) throw wrong(where + " is not in snake_case");
  if (!names.insert(option.name).second) throw wrong(where + " is in the option table twice");
  if (option.type < PODIUM_STRING || option.type > PODIUM_SECRET) {
    throw wrong(where + " has the unknown type " + std::to_string(option.type));
  }
  if (option.doc == nullptr || *option.doc == '\0') throw wrong(where + " has no sentence (doc)");
}

}  // namespace

std::filesystem::path check_file(const std::filesystem::path& file) {
  if (!file.is_absolute()) {
    throw wrong("'" + file.string() + "' is a relative path, expected an absolute one");
  }
  std::error_code error;
  std::filesystem::path path = std::filesystem::canonical(file, error);
  if (error) throw wrong(file.string() + ": " + error.message());
  struct stat status = status_of(path);
  if (!S_ISREG(status.st_mode)) {
    throw wrong(path.string() + " is no regular file, expected a shared library");
  }
  check_writers(path, status);
  check_writers(path.parent_path(), status_of(path.parent_path()));
  return path;
}

void check_plugin(const podium_plugin& plugin, std::size_t exported) {
  // Only what the symbol really has may be read: size and the versions come first.
  if (exported < offsetof(podium_plugin, reserved)) {
    throw wrong("its symbol " PODIUM_PLUGIN_SYMBOL " has " + std::to_string(exported) +
                " bytes, expected a podium_plugin of at least " + std::to_string(kPluginSize10));
  }
  if (plugin.abi_major != PODIUM_ABI_MAJOR) {
    throw wrong("it was built for plugin ABI " + std::to_string(plugin.abi_major) + "." +
                std::to_string(plugin.abi_minor) + ", this podiumd loads " +
                std::to_string(PODIUM_ABI_MAJOR) + ".x; rebuild it with this SDK");
  }
  if (plugin.abi_minor > PODIUM_ABI_MINOR) {
    throw wrong("it was built for plugin ABI " + std::to_string(plugin.abi_major) + "." +
                std::to_string(plugin.abi_minor) + ", this podiumd loads up to " +
                std::to_string(PODIUM_ABI_MAJOR) + "." + std::to_string(PODIUM_ABI_MINOR) +
                "; update podiumd or rebuild the plugin with this SDK");
  }
  check_size(plugin.size, kPluginSize10, "its podium_plugin");
  if (exported < kPluginSize10) {
    throw wrong("its symbol " PODIUM_PLUGIN_SYMBOL " has " + std::to_string(exported) +
                " bytes, expected at least " + std::to_string(kPluginSize10));
  }
  check_text(plugin.id, "id", 200);
  check_text(plugin.version, "version", 64);
  check_text(plugin.description, "description", 500);
  if (plugin.get_factory == nullptr) {
    throw wrong("its get_factory is NULL, expected a function");
  }
}

void check_option_table(const podium_option_table& table) {
  check_size(table.size, kOptionTableSize10, "its option table");
  if (table.count > 0 && table.options == nullptr) {
    throw wrong("its option table has " + std::to_string(table.count) + " rows at NULL");
  }
  if (table.count > 1000) {
    throw wrong("its option table has " + std::to_string(table.count) +
                " rows, expected at most 1000");
  }
  std::set<std::string_view> names;
  const char* row = reinterpret_cast<const char*>(table.options);
  for (std::uint32_t i = 0; i < table.count; ++i) {
    const auto& first = *table.options;
    check_option(*reinterpret_cast<const podium_option*>(row + std::size_t{i} * first.size), names);
  }
}

}  // namespace podium
