#pragma once
#include <podium/plugin.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

/// A storage: each blob is one file of a folder, named after its key.
///
/// A new file gets its name by rename(2) when it is complete, so that readers see the old content
/// or the new one and never a part.
class MyPlugin final : public podium::sdk::Storage {
 public:
  static constexpr podium_option kOptions[] = {
      podium::sdk::option_string("root", nullptr, "Folder of the blobs, an absolute path"),
  };

  static void check(const podium::sdk::Options& options) {
    if (!options.string("root").starts_with('/') ||
        options.string("root").find('\0') != std::string::npos) {
      throw podium::sdk::Error(PODIUM_INVALID_ARGUMENT, "root is '" + options.string("root") +
                                                            "', expected an absolute path");
    }
  }

  MyPlugin(podium::sdk::Host, const podium::sdk::Options& options) : root_(folder_of(options)) {
    check(options);
    std::error_code error;
    std::filesystem::create_directories(root_, error);
    if (error || ::access(root_.c_str(), W_OK | X_OK) != 0) {
      throw podium::sdk::Error(PODIUM_UNAVAILABLE,
                               "root: cannot use the folder " + root_.string() + ": " +
                                   (error ? error.message() : "it cannot be written to"));
    }
  }

  void put(std::string_view key, const podium::sdk::Source& source) override {
    std::string temporary = (root_ / ".new-XXXXXX").string();
    podium::sdk::Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!file) throw failure("making a file");
    const std::filesystem::path path = path_of(key), folder = path.parent_path();
    try {
      copy(source, file.get());
      if (::fsync(file.get()) != 0) throw failure("writing to the disk");
      std::filesystem::create_directory(folder);
      if (::rename(temporary.c_str(), path.c_str()) != 0) throw failure("naming a file");
    } catch (...) {
      ::unlink(temporary.c_str());
      throw;
    }
    sync_folder(folder);
    if (folder != root_) sync_folder(root_);
  }

  void get(std::string_view key, std::uint64_t offset, std::uint64_t length,
           const podium::sdk::BlobSink& sink) override {
    podium::sdk::Descriptor file(::open(path_of(key).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) throw failure("opening a blob");
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) throw failure("looking at a blob");
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (offset > size || (length != UINT64_MAX && length > size - offset)) {
      throw podium::sdk::Error(PODIUM_INVALID_ARGUMENT, "the range ends behind the blob");
    }
    std::uint64_t left = std::min(length, size - offset);
    char piece[65536];
    while (left > 0) {
      const ssize_t n = ::pread(file.get(), piece, std::min<std::uint64_t>(left, sizeof piece),
                                static_cast<off_t>(offset));
      if (n <= 0) throw failure("reading a blob");
      sink.write({piece, static_cast<std::size_t>(n)});
      offset += static_cast<std::uint64_t>(n);
      left -= static_cast<std::uint64_t>(n);
    }
  }

  podium::sdk::Blob head(std::string_view key) override {
    struct stat status {};
    if (::stat(path_of(key).c_str(), &status) != 0) throw failure("looking at a blob");
    return blob_of(status);
  }

  void list(std::string_view prefix, const podium::sdk::BlobVisitor& each) override {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      const std::string key = key_of(entry.path().string().substr(root_.native().size() + 1));
      struct stat status {};
      if (key.empty() || !key.starts_with(prefix)) continue;
      if (::stat(entry.path().c_str(), &status) != 0) continue;  // removed meanwhile
      if (!S_ISREG(status.st_mode)) continue;
      podium::sdk::Blob blob = blob_of(status);
      blob.key = key;
      if (!each(blob)) return;
    }
  }

  void remove(std::string_view key) override {
    if (::unlink(path_of(key).c_str()) != 0 && errno != ENOENT) throw failure("removing a blob");
  }

 private:
  /// Without a slash at the end, which paths below it could not be compared with.
  static std::filesystem::path folder_of(const podium::sdk::Options& options) {
    const std::filesystem::path path(options.string("root"));
    return path.has_filename() ? path : path.parent_path();
  }

  static podium::sdk::Error failure(const std::string& what) {
    const int number = errno;
    return {number == ENOENT ? PODIUM_NOT_FOUND : PODIUM_UNAVAILABLE,
            what + ": " + std::generic_category().message(number)};
  }

  /// A new name survives a power failure only when its folder is written too.
  static void sync_folder(const std::filesystem::path& path) {
    podium::sdk::Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0) throw failure("writing a folder to the disk");
  }

  static void copy(const podium::sdk::Source& source, int file) {
    char piece[65536];
    std::uint64_t written = 0;
    while (const std::size_t n = source.read(piece, sizeof piece)) {
      for (std::size_t at = 0; at < n;) {
        const ssize_t done = ::write(file, piece + at, n - at);
        if (done < 0) throw failure("writing a blob");
        at += static_cast<std::size_t>(done);
      }
      written += n;
    }
    if (source.expected() && *source.expected() != written) {
      throw podium::sdk::Error(PODIUM_INVALID_ARGUMENT,
                               "the sender gave another length than it said");
    }
  }

  /// Six bits of the key a letter: it may have any bytes, a file's name may not. '=' tells a blob
  /// from what is not yet one. A name has at most 255 letters, so that a long one goes on in a
  /// folder.
  std::filesystem::path path_of(std::string_view key) const {
    std::string name = "=";
    unsigned bits = 0, count = 0;
    for (const char c : key) {
      bits = bits << 8 | static_cast<unsigned char>(c);
      for (count += 8; count >= 6; count -= 6) name += kLetters[bits >> (count - 6) & 63];
    }
    if (count > 0) name += kLetters[bits << (6 - count) & 63];
    if (name.size() > kLongest) name.insert(kLongest, kContinued);
    return root_ / name;
  }

  /// The key of a file's path below root_; empty when the file is no blob.
  static std::string key_of(std::string name) {
    std::string key;
    if (const auto at = name.find(kContinued); at != name.npos) name.erase(at, kContinued.size());
    if (!name.starts_with('=')) return {};
    unsigned bits = 0, count = 0;
    for (const char c : name.substr(1)) {
      const std::size_t letter = kLetters.find(c);
      if (letter == std::string_view::npos) return {};
      bits = bits << 6 | static_cast<unsigned>(letter);
      if ((count += 6) >= 8) key += static_cast<char>(bits >> (count -= 8) & 255);
    }
    return key;
  }

  static podium::sdk::Blob blob_of(const struct stat& status) {
    return {{},
            static_cast<std::uint64_t>(status.st_size),
            status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000};
  }

  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  static constexpr std::size_t kLongest = 200;
  static constexpr std::string_view kContinued = "+/=";
  const std::filesystem::path root_;
};
