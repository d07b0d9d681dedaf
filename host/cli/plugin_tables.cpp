#include "cli/plugin_tables.hpp"

#include <algorithm>

#include "base/failure.hpp"

namespace podium::cli {
namespace {

namespace fs = std::filesystem;

void add(PluginTables& to, const std::string& name, const fs::path& file) {
  try {
    to.libraries.push_back(PluginLibrary::load(file));
  } catch (const Failure& failure) {
    throw failure.within("cannot open the plugin " + file.string());
  }
  to.tables.push_back({name, to.libraries.back()->options()});
}

}  // namespace

fs::path plugin_folder(const Config& config) {
  if (!config.plugin_dir.empty()) return config.plugin_dir;
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "lib/podium/plugins";
}

PluginTables open_plugin(const fs::path& folder, const std::string& library) {
  PluginTables tables;
  const fs::path path = library;
  add(tables, library, path.is_absolute() ? path : folder / (library + ".so"));
  return tables;
}

PluginTables open_plugins(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    throw Failure(Code::kUnavailable,
                  "there is no folder of plugins " + folder.string() + "; install podium whole");
  }
  std::vector<std::string> names;
  for (const fs::directory_entry& kind : fs::directory_iterator(folder)) {
    if (!kind.is_directory()) continue;
    for (const fs::directory_entry& file : fs::directory_iterator(kind.path())) {
      if (file.path().extension() != ".so") continue;
      names.push_back((kind.path().filename() / file.path().stem()).string());
    }
  }
  std::sort(names.begin(), names.end());
  PluginTables tables;
  for (const std::string& name : names) add(tables, name, folder / (name + ".so"));
  return tables;
}

}  // namespace podium::cli
