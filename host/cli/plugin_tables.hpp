#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/schema.hpp"
#include "plugin/library.hpp"

namespace podium::cli {

/// Libraries of plugins, opened for their option tables, which they own.
struct PluginTables {
  std::vector<std::shared_ptr<const PluginLibrary>> libraries;
  std::vector<LibraryOptions> tables;
};

/// Where a configuration's plugins are: its plugin_dir, or lib/podium/plugins beside this program.
std::filesystem::path plugin_folder(const Config& config);

/// The table of one library by the name that a configuration gives it. Throws Failure.
PluginTables open_plugin(const std::filesystem::path& folder, const std::string& library);

/// All libraries of a folder as <kind>/<name>.so, by name. Throws Failure for one that is no
/// plugin.
PluginTables open_plugins(const std::filesystem::path& folder);

}  // namespace podium::cli
