#pragma once
/// Kind storage: keeps, gives, lists and removes blobs under opaque keys.

#include <podium/sdk/extensions.hpp>
#include <podium/sdk/host.hpp>
#include <podium/sdk/options.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace podium::sdk {

/// Content on its way in. Calling thread only.
class Source {
 public:
  explicit Source(const podium_source* source) noexcept : source_(source) {}

  /// Bytes to come, when the sender knows.
  std::optional<std::uint64_t> expected() const noexcept {
    if (source_->expected < 0) return std::nullopt;
    return static_cast<std::uint64_t>(source_->expected);
  }
  /// Fills `buffer`; 0 is the end. Throws Error(PODIUM_CANCELLED) when the sender failed or left:
  /// let it pass and keep nothing.
  std::size_t read(char* buffer, std::size_t capacity) const {
    std::int64_t n = source_->read(source_->ctx, buffer, capacity);
    if (n < 0) throw Error(PODIUM_CANCELLED, "the sender left before the end");
    return static_cast<std::size_t>(n);
  }
  /// Whether the sender hashes what it gives, so that a storage that wants the digest need not.
  bool hashes() const noexcept { return PODIUM_HAS(source_, sha256) && source_->sha256 != nullptr; }
  /// Only when hashes(), and after read has returned 0: the SHA-256 as 64 lower-case digits.
  std::string sha256() const {
    std::string digits(64, '0');
    source_->sha256(source_->ctx, digits.data());
    return digits;
  }

 private:
  const podium_source* source_;
};

/// Content on its way out. Calling thread only.
class BlobSink {
 public:
  explicit BlobSink(const podium_sink* sink) noexcept : sink_(sink) {}

  /// Throws Error(PODIUM_CANCELLED) when the reader left: let it pass.
  void write(std::string_view chunk) const {
    if (!sink_->write(sink_->ctx, bytes(chunk))) {
      throw Error(PODIUM_CANCELLED, "the reader left before the end");
    }
  }

 private:
  const podium_sink* sink_;
};

/// What a storage knows of a blob.
struct Blob {
  std::string_view key;  ///< borrowed for the call; not needed from head
  std::uint64_t length = 0;
  std::int64_t modified_ms = 0;  ///< since the epoch
};

/// Takes one blob of a list; returns false to stop.
using BlobVisitor = std::function<bool(const Blob&)>;

/// A storage. All functions may block; any thread, concurrently. A key is 1 to 200 bytes of any
/// value; the SDK has checked that.
class Storage {
 public:
  virtual ~Storage() = default;

  /// Calls at a time; 0: no bound. Constant.
  virtual std::uint32_t max_concurrency() const noexcept { return 0; }

  /// Keeps the content, replacing a former blob as a whole. When it returns, the blob is durable;
  /// when it throws, nothing new is visible.
  virtual void put(std::string_view key, const Source& source) = 0;
  /// Pushes `length` bytes from `offset`; UINT64_MAX: to the end. Fewer is an Error.
  virtual void get(std::string_view key, std::uint64_t offset, std::uint64_t length,
                   const BlobSink& sink) = 0;
  /// Throws Error(PODIUM_NOT_FOUND).
  virtual Blob head(std::string_view key) = 0;
  /// Every key with the prefix, in any order.
  virtual void list(std::string_view prefix, const BlobVisitor& each) = 0;
  /// Removing what is not there succeeds.
  virtual void remove(std::string_view key) = 0;

  /// An extension of the author's own by id; its functions get a pointer to the plugin class.
  virtual const void* extension(const char* /*id*/) noexcept { return nullptr; }
};

namespace detail {

template <class T>
struct StorageThunks {
  static podium_code put(void* self, podium_bytes key, const podium_source* source,
                         podium_error* err) noexcept {
    return guard(err, [&] { static_cast<T*>(self)->put(checked_key(key), Source(source)); });
  }
  static podium_code get(void* self, podium_bytes key, std::uint64_t offset, std::uint64_t length,
                         const podium_sink* sink, podium_error* err) noexcept {
    return guard(
        err, [&] { static_cast<T*>(self)->get(checked_key(key), offset, length, BlobSink(sink)); });
  }
  static podium_code head(void* self, podium_bytes key, podium_blob* out,
                          podium_error* err) noexcept {
    return guard(err, [&] {
      Blob blob = static_cast<T*>(self)->head(checked_key(key));
      out->key = podium_bytes{};
      out->length = blob.length;
      out->modified_ms = blob.modified_ms;
    });
  }
  static podium_code list(void* self, podium_bytes prefix, void* ctx,
                          bool (*each)(void*, const podium_blob*), podium_error* err) noexcept {
    return guard(err, [&] {
      static_cast<T*>(self)->list(view(prefix), [&](const Blob& blob) {
        podium_blob out{sizeof(podium_blob), bytes(blob.key), blob.length, blob.modified_ms};
        return each(ctx, &out);
      });
    });
  }
  static podium_code remove(void* self, podium_bytes key, podium_error* err) noexcept {
    return guard(err, [&] { static_cast<T*>(self)->remove(checked_key(key)); });
  }
  static void destroy(void* self) noexcept { delete static_cast<T*>(self); }

  static podium_storage interface(T* self) {
    return {sizeof(podium_storage),
            self != nullptr ? self->max_concurrency() : 0,
            self,
            &put,
            &get,
            &head,
            &list,
            &remove,
            &ExtensionThunks<T>::get,
            &destroy};
  }
};

}  // namespace detail
}  // namespace podium::sdk
