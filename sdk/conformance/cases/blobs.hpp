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
  Answer get(std::string_view key, std::string& out, std::uint64_t offset = 0,
             std::uint64_t length = UINT64_MAX);
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

/// A storage to judge.
struct StorageSubject {
  explicit StorageSubject(Context& context)
      : library(context.settings.library), made(make_storage(context, library)), blobs(*made) {}
  Library library;
  std::unique_ptr<MadeStorage> made;
  Blobs blobs;
};

std::string bytes_of(std::size_t size);

/// How a content differs from what was expected. Throws Broken.
void must_be(const std::string& what, const std::string& got, const std::string& expected);

/// Runs bodies on threads of their own; passes on what the first of them throws.
void in_threads(const std::vector<std::function<void()>>& bodies);

}  // namespace podium::conform
