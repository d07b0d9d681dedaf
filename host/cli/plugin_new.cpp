#include "cli/plugin_new.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <ostream>
#include <system_error>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "cli/command_line.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestName = 64;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_plugin_name(const std::string& name) {
  if (name.empty() || name.size() > kLongestName || !is_lower(name[0])) return false;
  for (std::size_t i = 1; i < name.size(); ++i) {
    const bool joint = name[i] == '-' || name[i] == '_';
    if (joint && (i + 1 == name.size() || name[i - 1] == '-' || name[i - 1] == '_')) return false;
    if (!joint && !is_lower(name[i]) && !is_digit(name[i])) return false;
  }
  return true;
}

std::string with_joints(std::string name, char joint) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '_'; }, joint);
  return name;
}

/// "lua-5" → "Lua5".
std::string class_name(const std::string& name) {
  std::string out;
  bool capital = true;
  for (const char c : name) {
    if (c == '-' || c == '_') {
      capital = true;
      continue;
    }
    out += capital && is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
    capital = false;
  }
  return out;
}

/// Writes `name` for the one that the template has, in each of its spellings.
std::string renamed(std::string text, const std::string& name) {
  const std::array<std::pair<std::string, std::string>, 3> spellings{
      {{"my_plugin", with_joints(name, '_')},
       {"my-plugin", with_joints(name, '-')},
       {"MyPlugin", class_name(name)}}};
  for (const auto& [from, to] : spellings) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) throw Failure(Code::kUnavailable, "cannot read " + file.string());
  return text;
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw Failure(Code::kUnavailable, "cannot write " + file.string());
}

/// The template of a kind: path below it → content.
std::vector<std::pair<fs::path, std::string>> read_template(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw Failure(Code::kNotFound, "there is no template at " + folder.string() +
                                       "; install Podium's SDK (cmake --install BUILD --component "
                                       "sdk, or the package podium-sdk-dev)");
  }
  std::vector<std::pair<fs::path, std::string>> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    files.emplace_back(entry.path().lexically_relative(folder), content_of(entry.path()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

void check_plugin_options(const PluginOptions& options) {
  if (options.kind != "runtime" && options.kind != "storage" && options.kind != "response") {
    throw UsageError("plugin new: expected runtime, storage or response, not '" + options.kind +
                     "'");
  }
  if (!is_plugin_name(options.name)) {
    throw UsageError(
        "plugin new: expected a name of small letters and digits, with - or _ between "
        "words, such as lua or my-store, not '" +
        options.name + "'");
  }
}

fs::path installed_templates() {
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "share/podium/template";
}

int run_plugin_new(const PluginOptions& options, const fs::path& templates, Console& console) {
  check_plugin_options(options);
  const auto files = read_template(templates / options.kind);
  const fs::path folder = options.dir.empty() ? fs::path(options.name) : options.dir;
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_empty(folder, error)) {
    throw Failure(Code::kInvalidArgument,
                  folder.string() + " is there already; name another folder with --dir");
  }
  try {
    for (const auto& [path, text] : files) {
      const fs::path to = folder / renamed(path.string(), options.name);
      fs::create_directories(to.parent_path());
      write(to, renamed(text, options.name));
    }
  } catch (const fs::filesystem_error& e) {
    throw Failure(Code::kUnavailable,
                  "cannot make " + e.path1().string() + ": " + e.code().message());
  }
  if (console.json) {
    console.out << "{\"kind\":\"" << options.kind << "\",\"name\":\"" << options.name << "\"}\n";
    return 0;
  }
  console.out << "wrote the " << options.kind << ' ' << options.name << " to " << folder.string()
              << "\nbuild and test it:\n  cd " << folder.string()
              << " && cmake -B build && cmake --build build && ctest --test-dir build\n";
  return 0;
}

}  // namespace podium::cli
