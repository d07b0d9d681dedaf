#pragma once
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>

#include "session/readers.hpp"
#include "session/store.hpp"
#include "session/writer.hpp"

namespace podium {

/// The connections to a database that could be opened.
struct Connections {
  /// Throws Failure that names the file.
  Connections(const std::filesystem::path& file, DatabaseMeter meter);

  Readers readers;
  Writer writer;
};

/// A database that is open, or will be tried again.
struct SessionStore::State {
  State(std::filesystem::path path, DatabaseMeter counts)
      : file(std::move(path)), meter(counts) {}

  /// Opens it, at most every few seconds. Throws Failure(kUnavailable) with the reason.
  Connections& open();

  const std::filesystem::path file;
  const DatabaseMeter meter;
  std::atomic<Connections*> ready{nullptr};
  std::mutex backup_mutex;
  std::mutex mutex;  // guards what follows
  std::unique_ptr<Connections> connections;
  std::string failure;
  std::chrono::steady_clock::time_point next_try{};
};

}  // namespace podium
