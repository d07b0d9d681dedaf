/// Storage plugin "local": blobs as files of this machine.

#include <podium/plugin.hpp>

#include <string>

#include "local_store.hpp"

namespace podium::local {

class LocalStorage final : public sdk::Storage,
                           public sdk::LocalFile,
                           public sdk::AdoptFile,
                           public sdk::Health,
                           public sdk::Maintenance {
 public:
  static constexpr podium_option kOptions[] = {
      sdk::option_string("root", "blobs",
                         "Folder of the blobs, made when missing; relative to state_dir."),
      sdk::option_boolean("fsync", "true",
                          "Whether a stored blob survives a power failure once acknowledged."),
      sdk::option_size("low_space", "1GiB",
                       "Free space below which the health check says degraded."),
  };

  LocalStorage(sdk::Host host, const sdk::Options& options)
      : host_(host), store_(read_options(options)) {}

  static void check(const sdk::Options& options) {
    try {
      Layout::check(read_options(options).root);
    } catch (const Error& error) {
      const std::string said = error.what();
      throw Error(error.code(), said.starts_with("root") ? said : "root: " + said);
    }
  }

  void put(std::string_view key, const sdk::Source& source) override {
    store_.put(
        key, [&](char* buffer, std::size_t capacity) { return source.read(buffer, capacity); },
        source.expected(),
        source.hashes() ? DigestTeller([&] { return source.sha256(); }) : DigestTeller());
  }
  void get(std::string_view key, std::uint64_t offset, std::uint64_t length,
           const sdk::BlobSink& sink) override {
    store_.get(key, offset, length, [&](std::string_view chunk) { sink.write(chunk); });
  }
  sdk::Blob head(std::string_view key) override { return store_.head(key); }
  void list(std::string_view prefix, const sdk::BlobVisitor& each) override {
    store_.list(prefix, each);
  }
  void remove(std::string_view key) override { store_.remove(key); }

  Descriptor open_local(std::string_view key) override { return store_.open(key); }
  bool adopt(std::string_view key, int descriptor, std::uint64_t length,
             std::string_view sha256) override {
    return store_.adopt(key, descriptor, length, sha256);
  }

  void sweep() override {
    const SweepResult swept = store_.sweep();
    if (swept.staged + swept.blobs == 0) return;
    host_.info("swept " + store_.root() + ": " + std::to_string(swept.staged) +
               " unfinished files, " + std::to_string(swept.blobs) + " blobs without a key");
  }

  /// Does a little work on the disk and cannot be interrupted: a disk that hangs is told by the
  /// host, whose deadline passes.
  sdk::HealthReport health(std::chrono::milliseconds /*deadline*/) override {
    const StoreHealth health = store_.health();
    std::string detail = "{\"root\":" + sdk::detail::json_quote(store_.root()) +
                         ",\"free_bytes\":" + std::to_string(health.free_bytes) +
                         ",\"free_files\":" + std::to_string(health.free_files);
    if (!health.writable) detail += ",\"error\":" + sdk::detail::json_quote(health.problem);
    return {!health.writable ? PODIUM_UNHEALTHY
            : health.low     ? PODIUM_DEGRADED
                             : PODIUM_HEALTHY,
            detail + "}"};
  }

 private:
  static StoreOptions read_options(const sdk::Options& options) {
    StoreOptions read;
    read.root = options.string("root");
    read.fsync = options.boolean("fsync");
    read.low_space = options.size("low_space");
    if (read.root.empty()) throw Error(PODIUM_INVALID_ARGUMENT, "root: expected a folder");
    return read;
  }

  sdk::Host host_;
  LocalStore store_;
};

}  // namespace podium::local

PODIUM_STORAGE_PLUGIN(podium::local::LocalStorage, "org.podium.storage.local", "0.1.0",
                      "Blobs as files of this machine, each content once");
