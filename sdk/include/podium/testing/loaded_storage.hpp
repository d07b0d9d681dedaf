#pragma once
#include <podium/abi.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace podium::sdk::testing {

/// One validated option of an instance, as the host would hand it over.
struct OptionValue {
  std::string name;
  podium_option_type type;
  std::string text;          ///< PODIUM_STRING, PODIUM_SECRET
  std::int64_t integer = 0;  ///< PODIUM_BOOLEAN, PODIUM_SIZE, PODIUM_DURATION, PODIUM_INTEGER
};

/// What a call answered.
struct Outcome {
  podium_code code;
  std::string message;
  bool ok() const noexcept { return code == PODIUM_OK; }
};

/// What a test says of a blob.
struct Listed {
  std::string key;
  std::uint64_t length = 0;
  std::int64_t modified_ms = 0;
};

/// Gives out bytes; returns how many, 0 at the end, below 0 to fail.
using TestSource = std::function<std::int64_t(char* buffer, std::size_t capacity)>;

/// A source of `content`, at most `piece` bytes at a time.
TestSource source_of(std::string_view content, std::size_t piece = SIZE_MAX);

/// `size` bytes that differ from seed to seed and have no period.
std::string noise(std::size_t size, std::uint64_t seed);

/// A storage plugin, loaded from its file and driven through the C ABI alone.
class LoadedStorage {
 public:
  /// Throws std::runtime_error with the plugin's message.
  LoadedStorage(const std::string& library, const std::vector<OptionValue>& options,
                std::uint32_t flags = 0);
  /// Options in the notation of podium_option.default_value, checked and filled up from the
  /// plugin's own table as the host does it; a secret is given as it is.
  LoadedStorage(const std::string& library, const std::map<std::string, std::string>& options,
                std::uint32_t flags = 0);
  ~LoadedStorage();
  LoadedStorage(const LoadedStorage&) = delete;
  LoadedStorage& operator=(const LoadedStorage&) = delete;

  Outcome put(std::string_view key, const TestSource& source, std::int64_t expected = -1);
  Outcome put(std::string_view key, std::string_view content) {
    return put(key, source_of(content), static_cast<std::int64_t>(content.size()));
  }
  Outcome get(std::string_view key, std::string& out, std::uint64_t offset = 0,
              std::uint64_t length = UINT64_MAX);
  Outcome get(std::string_view key, const std::function<bool(std::string_view)>& write);
  Outcome head(std::string_view key, Listed& out);
  Outcome list(std::string_view prefix, const std::function<bool(const Listed&)>& each);
  Outcome remove(std::string_view key);

  /// All keys with the prefix, sorted.
  std::vector<std::string> keys(std::string_view prefix = {});

  /// nullptr when the plugin lacks it.
  const void* extension(const char* id) const;
  void* self() const noexcept { return storage_.self; }
  const std::vector<std::string>& log() const noexcept { return log_; }

 private:
  void create(const podium_storage_factory& factory, const podium_config& config,
              std::uint32_t flags);

  std::vector<std::string> log_;
  podium_host host_{};
  podium_storage storage_{};
  bool created_ = false;
};

}  // namespace podium::sdk::testing
