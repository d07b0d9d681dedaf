#pragma once
#include <podium/abi.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "obs/log.hpp"

namespace podium {

enum class PluginKind { kRuntime, kStorage, kResponse };
/// "runtime", "storage", "response".
const char* to_string(PluginKind kind) noexcept;

/// A plugin library, loaded and checked. Immutable; any thread. Its code stays mapped for the life
/// of the process, so that nothing that came out of it can dangle.
class PluginLibrary {
 public:
  /// Checks the file, loads it, checks what it exports. The file must be a regular one at an
  /// absolute path, and neither it nor its folder writable by others than root and this process's
  /// user. Opening a library runs its constructors. Throws Failure(kInvalidArgument) that says what
  /// is wrong with it and what to do.
  static std::shared_ptr<const PluginLibrary> load(const std::filesystem::path& file);

  /// Canonical: absolute, without symbolic links.
  const std::filesystem::path& path() const noexcept { return path_; }
  PluginKind kind() const noexcept { return kind_; }
  /// "org.podium.runtime.job 0.1.0".
  const std::string& id() const noexcept { return id_; }
  const std::string& description() const noexcept { return description_; }
  /// Never null; checked: names, types and sentences are there.
  const podium_option_table* options() const noexcept { return options_; }
  /// The podium_*_factory of kind().
  const void* factory() const noexcept { return factory_; }

 private:
  PluginLibrary() = default;

  std::shared_ptr<const void> handle_;  // of the dynamic loader
  std::filesystem::path path_;
  PluginKind kind_{};
  std::string id_;
  std::string description_;
  const podium_option_table* options_ = nullptr;
  const void* factory_ = nullptr;
};

/// The libraries of a daemon, each loaded once and kept. Any thread.
class LibraryRegistry {
 public:
  explicit LibraryRegistry(Log& log) : log_(log) {}

  /// The library at that path, loaded now or before. Code that has changed on disk since it was
  /// loaded is not loaded again; the log says that it needs a restart. Throws Failure.
  std::shared_ptr<const PluginLibrary> get(const std::filesystem::path& file);

 private:
  struct Entry {
    std::shared_ptr<const PluginLibrary> library;
    std::string stamp;  // which version of the file it was
  };

  Log& log_;
  std::mutex mutex_;
  std::map<std::filesystem::path, Entry> entries_;
};

}  // namespace podium
