#pragma once
#include <podium/abi.h>

#include <string>
#include <vector>

#include "base/json.hpp"

namespace podium {

/// The option table of a library by the name that the config gives it: "runtime/job".
struct LibraryOptions {
  std::string library;
  const podium_option_table* table = nullptr;
};

/// A JSON Schema (draft 2020-12) of config files, made of the option tables: those of the host,
/// with the sentences of config/podium.json, and those of the plugins.
Json config_schema(const std::vector<LibraryOptions>& libraries);

}  // namespace podium
