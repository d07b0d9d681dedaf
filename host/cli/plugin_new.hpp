#pragma once
#include <filesystem>

#include "cli/exec.hpp"

namespace podium::cli {

/// Checks kind and name. Throws UsageError that says what was expected.
void check_plugin_options(const PluginOptions& options);

/// Where an installed SDK has its templates, seen from this program: ../share/podium/template.
std::filesystem::path installed_templates();

/// `podium plugin new`: writes a project that builds, tests and packages a plugin of that kind,
/// from the template in `templates`. 0 when it was written. Throws Failure: no template there, or
/// the folder exists already; then nothing was written.
int run_plugin_new(const PluginOptions& options, const std::filesystem::path& templates,
                   Console& console);

}  // namespace podium::cli
