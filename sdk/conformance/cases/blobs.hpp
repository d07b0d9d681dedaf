#pragma once
#include <podium/testing/loaded_storage.hpp>

#include <optional>

#include "../plugin.hpp"

namespace podium::conform {

using sdk::testing::noise;
using sdk::testing::source_of;
using sdk::testing::TestSource;

/// A blob as a list or head tells it.
struct Told {
  std::string key;
  std::uint64_t length = 0;
};

/// The calls of a storage, as a host makes them. Any thread.
class Blobs {
 public:
  explicit Blobs(MadeStorage& made) : made_(made) {}

  Answer put(std::string_view key, const TestSource& source, std::int64_t expected = -1);
  Answer put(std::string_view key, std::string_view content) {
    return put(key, source_of(content), static_cast<std::int64_t>(content.size()));
  }
  Answer get(std::string_view key, std::string& out, std::uint64_t offset = 0, std::uint64_t length = UINT64_MAX);
  /// A reader that leaves at its first piece; how often it was written to.
  Answer get_and_leave(std::string_view key, int& writes);
  Answer head(std::string_view key, Told& out);
  Answer list(std::string_view prefix, const std::function<bool(const Told&)>& each);
  Answer remove(std::string_view key);

  /// These throw Broken when the call fails.
  void keep(std::string_view key, std::string_view content);
  std::string content(std::string_view key);
  std::vector<std::string> keys(std::string_view prefix = {});

 private:
  MadeStorage& made_;
};

}  // namespace podium::conform
